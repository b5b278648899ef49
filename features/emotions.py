"""The seven emotions of FER2013 in the order of its labels, and labels from their names.

Goodfellow et al., "Challenges in representation learning: a report on three machine learning
contests", 2013, https://arxiv.org/abs/1307.0414
"""

from __future__ import annotations

from collections.abc import Iterable

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
