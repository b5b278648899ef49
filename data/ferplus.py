"""FER+ labels: the votes of ten annotators for each row of FER2013's CSV.

Barsoum et al., "Training deep networks for facial expression recognition with crowd-sourced label
distribution", ICMI 2016, https://arxiv.org/abs/1608.01041
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from facial_emotion.data.csv_form import number, rows
from facial_emotion.errors import InputError, memory_checked
from facial_emotion.features.emotions import EMOTIONS, encode

FILE_NAME = "fer2013new.csv"
EMOTION_COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
PEOPLE = 10  # who voted
CLEAR_VOTES = 5  # of ten: an emotion with more votes is called clear
OTHER_COLUMNS = ("contempt", "unknown", "NF")  # NF: not a face


def read_votes(path: Path, count: int) -> np.ndarray:
    """Read votes, int64, shape (count, 10): the seven EMOTIONS in their order, then contempt, unknown, not a face.

    The rows are those of FER2013's CSV. Raises InputError if their number differs from ``count``.
    """
    columns = [*_in_emotions_order(), *OTHER_COLUMNS]
    try:
        with memory_checked(path), path.open(encoding="utf-8-sig", newline="") as stream:
            votes = [
                [number(row[name], PEOPLE, f"{path.name}, line {line}, column {name}", "votes") for name in columns]
                for line, row in rows(path, stream, columns)
            ]
    except UnicodeDecodeError as error:
        raise InputError(path, "a text table", "bytes that are not text") from error
    except (OSError, csv.Error) as error:
        raise InputError(path, f"FER+ votes with the columns {', '.join(columns)}", str(error)) from error
    if len(votes) != count:
        raise InputError(
            path, f"{count} rows, as FER2013 has", f"{len(votes)}", "FER+ goes with the CSV form, row by row"
        )
    return np.array(votes, dtype=np.int64).reshape(-1, len(columns))


def people_choice(votes: np.ndarray) -> np.ndarray:
    """The emotion that most people chose, int64, shape (n,); -1 where another answer has as many votes.

    Other answers are contempt, unknown and not a face. The first of several emotions with as many votes counts.
    """
    emotions, others = votes[:, : len(EMOTIONS)], votes[:, len(EMOTIONS) :]
    chosen: np.ndarray = np.where(emotions.max(axis=1) > others.max(axis=1), emotions.argmax(axis=1), -1)
    return chosen.astype(np.int64)


def majority_labels(votes: np.ndarray) -> np.ndarray:
    """The label with the most votes, int64, shape (n,); -1 for a tie, or if it is contempt, unknown or not a face."""
    winner = votes.argmax(axis=1)
    tied = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return np.where((winner < len(EMOTIONS)) & ~tied, winner, -1).astype(np.int64)


def _in_emotions_order() -> list[str]:
    """The columns of the seven emotions, in the order of EMOTIONS."""
    by_label = dict(zip(encode(EMOTION_COLUMNS).tolist(), EMOTION_COLUMNS, strict=True))
    return [by_label[label] for label in range(len(EMOTIONS))]
