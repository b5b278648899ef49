"""The seven emotions of FER2013 in the order of its labels, and conversion between names, labels and one-hot rows.

Goodfellow et al., "Challenges in representation learning: a report on three machine learning
contests", 2013, https://arxiv.org/abs/1307.0414
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from facial_emotion.errors import InputError

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

_ALIASES = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "surprises": "surprise",
}
_INDEX = {name: index for index, name in enumerate(EMOTIONS)}


def encode(names: Iterable[str]) -> np.ndarray:
    """Emotion names -> labels, int64, shape (n,). Case is ignored and noun forms ('Anger') are accepted.

    Raises InputError for any other name.
    """
    labels = []
    for name in names:
        key = name.strip().lower()
        label = _INDEX.get(_ALIASES.get(key, key))
        if label is None:
            raise InputError("emotion", f"one of {', '.join(EMOTIONS)}", repr(name))
        labels.append(label)
    return np.array(labels, dtype=np.int64)


def to_one_hot(labels: Sequence[int] | np.ndarray) -> np.ndarray:
    """Labels 0-6, shape (n,) -> one-hot rows, float32, shape (n, 7)."""
    return np.eye(len(EMOTIONS), dtype=np.float32)[_checked(labels)]


def _checked(labels: Sequence[int] | np.ndarray) -> np.ndarray:
    """The labels as int64, shape (n,), each of them 0-6."""
    array = np.asarray(labels)
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError("labels", "integers, shape (n,)", f"{array.dtype}, shape {array.shape}")
    wrong = array[(array < 0) | (array >= len(EMOTIONS))]
    if wrong.size:
        raise InputError("labels", f"0 to {len(EMOTIONS) - 1}", str(wrong[0]))
    return array.astype(np.int64)
