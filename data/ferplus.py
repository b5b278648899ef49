"""FER+ votes: ten people's opinions on every row of FER2013's CSV.

Barsoum et al., "Training deep networks for facial expression recognition with crowd-sourced label
distribution", ICMI 2016, https://arxiv.org/abs/1608.01041
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS, encode

FILE_NAME = "fer2013new.csv"
EMOTION_COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
OTHER_COLUMNS = ("contempt", "unknown", "NF")  # NF: not a face


def read_votes(path: Path, rows: int) -> np.ndarray:
    """Votes, int64, shape (rows, 10): the seven EMOTIONS in their order, then contempt, unknown, not a face.

    The file goes row by row with FER2013's CSV, so it must have as many rows.
    """
    import pandas as pd

    columns = [*EMOTION_COLUMNS, *OTHER_COLUMNS]
    try:
        table = pd.read_csv(path)
        votes = table[columns].to_numpy(dtype=np.int64)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(path, f"FER+ votes with the columns {', '.join(columns)}", str(error)) from error
    if len(votes) != rows:
        raise InputError(
            path, f"{rows} rows, as FER2013 has", f"{len(votes)}", "FER+ goes with the CSV form, row by row"
        )
    order = [EMOTION_COLUMNS.index(name) for name in _in_emotions_order()]
    return np.hstack([votes[:, order], votes[:, len(EMOTION_COLUMNS) :]])


def soft_labels(votes: np.ndarray) -> np.ndarray:
    """Share of the votes for each of the seven, float32, shape (n, 7); a row without such a vote is all zero."""
    counts = votes[:, : len(EMOTIONS)].astype(np.float32)
    total = counts.sum(axis=1, keepdims=True)
    result: np.ndarray = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return result


def majority_labels(votes: np.ndarray) -> np.ndarray:
    """The most voted of the seven, int64, shape (n,); -1 where contempt, unknown or not-a-face has more, or a tie."""
    winner = votes.argmax(axis=1)
    tied = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return np.where((winner < len(EMOTIONS)) & ~tied, winner, -1).astype(np.int64)


def _in_emotions_order() -> list[str]:
    by_label = dict(zip(encode(EMOTION_COLUMNS).tolist(), EMOTION_COLUMNS, strict=True))
    return [by_label[label] for label in range(len(EMOTIONS))]
