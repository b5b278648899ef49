"""A small sample of FER2013, to try a training on: a CSV with rows of every emotion in every split."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np

from facial_emotion.data.csv_form import COLUMNS, SPLITS
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.data.ferplus import EMOTION_COLUMNS, FILE_NAME, OTHER_COLUMNS
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS, encode

_SHARES = (0.6, 0.2, 0.2)  # of the rows, by split; of 35 rows each has one of every emotion


def rows_of(data: Fer2013, count: int, seed: int = 0) -> np.ndarray:
    """The row numbers of a sample, int64 (count,), sorted: of each split as many of each emotion, while there are."""
    rng, chosen = np.random.default_rng(seed), []
    for split, share in enumerate(_SHARES):
        of_labels = [
            rng.permutation(np.flatnonzero((data.splits == split) & (data.labels == label)))
            for label in range(len(EMOTIONS))
        ]
        in_turn = [row for rank in itertools.zip_longest(*of_labels) for row in rank if row is not None]
        chosen.append(in_turn[: round(count * share)])
    return np.sort(np.concatenate(chosen))


def write(data: Fer2013, count: int, path: Path, seed: int = 0) -> str:
    """Write a sample as Kaggle's CSV, with FER+'s votes beside it where the data has them; a line that reports it.

    Raises InputError where one of the files exists.
    """
    votes_path = path.with_name(FILE_NAME)
    for each in (path, *([votes_path] if data.votes is not None else [])):
        if each.exists():
            raise InputError(each, "no existing file", "a file", "choose an empty folder")
    rows = rows_of(data, count, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            pixels = " ".join(map(str, data.crops[row].ravel().tolist()))
            writer.writerow([data.labels[row], pixels, SPLITS[data.splits[row]]])
    if data.votes is not None:
        with votes_path.open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([*EMOTION_COLUMNS, *OTHER_COLUMNS])
            order = [*encode(EMOTION_COLUMNS).tolist(), *range(len(EMOTIONS), len(EMOTIONS) + len(OTHER_COLUMNS))]
            writer.writerows(data.votes[rows][:, order].tolist())
    return f"{path}: {len(rows)} rows"
