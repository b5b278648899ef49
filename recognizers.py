"""Trained models by name: the only way that anything gets one.

import recognizers
recognizer = recognizers.load("lightgbm")
probabilities = recognizer.predict_proba(crops)    # (n, 7), in the order of features.emotions.EMOTIONS
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

import artifact
from errors import InputError
from features.emotions import EMOTIONS
from features.landmarks import check_crops

TRACKS = ("classical", "deep")
GOOD = 0.05  # accuracy below the best model's within which a model is still called good
_CHUNK = 256  # crops that are worked on at once: bounds the memory that a large batch takes

Step = Callable[[Any], Any]


@dataclass(frozen=True)
class Recognizer:
    """A trained model. Its steps turn crops into probabilities; each may be timed alone. Safe in several threads."""

    name: str
    card: artifact.Card
    steps: Sequence[tuple[str, Step]] = field(repr=False)

    @property
    def threshold(self) -> float:
        """The confidence below which an answer is uncertain."""
        return self.card["threshold"]

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


# Models that someone holds, by folder, name, card and threads: ensembles have members that may be in use on their own.
_in_use: WeakValueDictionary[tuple, Recognizer] = WeakValueDictionary()


def names(root: Path = artifact.ARTIFACTS) -> list[str]:
    """The names of all trained models: the folders with a card in them, sorted."""
    return sorted(path.parent.name for path in root.glob(f"*/{artifact.CARD}"))


def card(name: str, root: Path = artifact.ARTIFACTS) -> artifact.Card:
    """A model's card, without loading the model."""
    if name not in names(root):
        raise InputError("model", f"one of {', '.join(names(root)) or 'none: nothing is trained yet'}", repr(name))
    return artifact.read_card(root / name)


def fastest_good(among: list[str], milliseconds: dict[str, float]) -> str:
    """The fastest of the good models: those nearly as accurate on PublicTest as the best. One not timed is slowest."""
    accuracy = {name: card(name)["metrics"]["PublicTest"]["accuracy"] for name in among}
    good = [name for name in among if accuracy[name] >= max(accuracy.values()) - GOOD]
    return min(good, key=lambda name: milliseconds.get(name, float("inf")))


def load(name: str, threads: int = 2, root: Path = artifact.ARTIFACTS) -> Recognizer:
    """A trained model, ready to recognise on ``threads`` CPU threads; one that is in use already is shared.

    Raises InputError for an unknown name, a card that is not whole, or a file that is not the card's.
    """
    found = card(name, root)
    if found.get("members"):
        return Recognizer(name, found, _ensemble(name, found["members"], threads, root))
    if found["track"] not in TRACKS:
        raise InputError(root / name, f"track {' or '.join(TRACKS)}", repr(found["track"]))
    key = (root.resolve(), name, json.dumps(found), threads)
    recognizer = _in_use.get(key)
    if recognizer is None:
        recognizer = Recognizer(name, found, steps(found, artifact.read_model(root / name, found), threads))
        _in_use[key] = recognizer
    return recognizer


def predict(recognizer: Recognizer, crops: np.ndarray, doing: str) -> np.ndarray:
    """Probabilities float32 (n, 7) of many crops, with a progress bar that says what is being done."""
    from terminal import bar

    parts = np.array_split(crops, max(1, len(crops) // 128))
    found = []
    with bar(doing, len(parts)) as step:
        for part in parts:
            found.append(recognizer.predict_proba(part))
            step()
    return np.concatenate(found)


def steps(card: artifact.Card, model: Path | bytes, threads: int = 2) -> list[tuple[str, Step]]:
    """What a model, a file or its bytes, does to crops, as its card's track does it."""
    return importlib.import_module(f"{card['track']}.serve").steps(card, model, threads)


def _ensemble(name: str, members: list[dict[str, Any]], threads: int, root: Path) -> list[tuple[str, Step]]:
    """One step a member, then the pool: softmax of the weighted sum of the members' log-probabilities.

    Hinton, "Training products of experts", Neural Computation 14, 2002. A mirrored member sees the crops mirrored.
    """
    loaded: dict[str, Recognizer] = {}
    for member in members:
        found = card(member["name"], root)
        if found.get("members"):
            raise InputError(root / name, "members with a model of their own", f"{member['name']}, an ensemble")
        sha256 = found["files"][artifact.MODEL]["sha256"]
        if sha256 != member["sha256"]:
            advice = f"it was trained anew: run python ensemble.py {name} again"
            raise InputError(root / name, f"{member['name']} {member['sha256'][:12]}…", f"{sha256[:12]}…", advice)
        loaded[member["name"]] = load(member["name"], threads, root)

    def begin(crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return crops, np.zeros((len(crops), len(EMOTIONS)))

    def ask(member: dict[str, Any]) -> Step:
        recognizer = loaded[member["name"]]

        def step(value: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
            crops, total = value
            seen = np.ascontiguousarray(crops[:, :, ::-1]) if member["mirrored"] else crops
            return crops, total + member["weight"] * log_of(recognizer.predict_proba(seen))

        return step

    def pool(value: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        total = np.exp(value[1] - value[1].max(axis=1, keepdims=True))
        return (total / total.sum(axis=1, keepdims=True)).astype(np.float32)

    asked = [(f"{member['name']}{' mirrored' * member['mirrored']}", ask(member)) for member in members]
    return [("begin", begin), *asked, ("pool", pool)]


def log_of(probabilities: np.ndarray) -> np.ndarray:
    """Log-probabilities, float64, held off minus infinity: what an ensemble pools."""
    return np.log(np.maximum(probabilities.astype(np.float64), 1e-6))
