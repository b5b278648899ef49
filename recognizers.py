"""Trained models by name: the only way that anything gets one.

import recognizers
recognizer = recognizers.load("lightgbm")
probabilities = recognizer.predict_proba(crops)    # (n, 7), in the order of features.emotions.EMOTIONS
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import artifact
from errors import InputError
from features.emotions import EMOTIONS
from features.landmarks import check_crops

TRACKS = ("classical", "deep")
_CHUNK = 256  # crops that are worked on at once: bounds the memory that a large batch takes

Step = Callable[[Any], Any]


@dataclass(frozen=True)
class Recognizer:
    """A trained model. Its steps turn crops into probabilities; each may be timed alone. Safe in several threads."""

    name: str
    card: artifact.Card
    steps: Sequence[tuple[str, Step]] = field(repr=False)

    def predict_proba(self, crops: np.ndarray) -> np.ndarray:
        """Probabilities of the seven emotions: crops uint8 (n, 48, 48) -> float32 (n, 7), rows sum to 1.

        Raises InputError for anything but a batch of crops. An empty batch gives (0, 7).
        """
        check_crops(crops)
        parts = [self._run(crops[start : start + _CHUNK]) for start in range(0, len(crops), _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros((0, len(EMOTIONS)), dtype=np.float32)

    def _run(self, value: Any) -> Any:
        for _, step in self.steps:
            value = step(value)
        return value


def names(root: Path = artifact.ARTIFACTS) -> list[str]:
    """The names of all trained models: the folders with a card in them, sorted."""
    return sorted(path.parent.name for path in root.glob(f"*/{artifact.CARD}"))


def card(name: str, root: Path = artifact.ARTIFACTS) -> artifact.Card:
    """A model's card, without loading the model."""
    if name not in names(root):
        raise InputError("model", f"one of {', '.join(names(root)) or 'none: nothing is trained yet'}", repr(name))
    return artifact.read_card(root / name)


def load(name: str, threads: int = 2, root: Path = artifact.ARTIFACTS) -> Recognizer:
    """A trained model, ready to recognise on ``threads`` CPU threads.

    Raises InputError for an unknown name, a card that is not whole, or a file that is not the card's.
    """
    found = card(name, root)
    if found["track"] not in TRACKS:
        raise InputError(root / name, f"track {' or '.join(TRACKS)}", repr(found["track"]))
    model = artifact.read_model(root / name, found)
    track = importlib.import_module(f"{found['track']}.serve")
    return Recognizer(name, found, track.steps(found, model, threads))
