"""FER+ labels: the votes of ten annotators for each row of FER2013's CSV.

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
CLEAR_VOTES = 5  # of ten: an emotion with more votes is called clear
OTHER_COLUMNS = ("contempt", "unknown", "NF")  # NF: not a face


def read_votes(path: Path, rows: int) -> np.ndarray:
    """Read votes, int64, shape (rows, 10): the seven EMOTIONS in their order, then contempt, unknown, not a face.

    The rows are those of FER2013's CSV. Raises InputError if their number differs from ``rows``.
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
    """Label distributions of the seven emotions, float32, shape (n, 7); zero for a row without votes for them."""
    counts = votes[:, : len(EMOTIONS)].astype(np.float32)
    total = counts.sum(axis=1, keepdims=True)
    result: np.ndarray = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return result


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
