"""Inference of the classical models: crops -> landmarks -> descriptors -> probabilities."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import artifact
from facial_emotion.errors import InputError
from facial_emotion.features.extract import describer, mirror_of
from facial_emotion.features.landmarks import align, find_landmarks, fingerprint
from facial_emotion.records import Card
from facial_emotion.threads import heads_of

Step = Callable[[Any], Any]


def steps(card: Card, model: bytes, threads: int, root: Path, providers: Sequence[str]) -> list[tuple[str, Step]]:
    """The named steps of a classical recognizer; a step's output is the input of the next."""
    recipe = card.features or {}
    if card.landmarks and card.landmarks != fingerprint():
        advice = "the model was trained with others: install the package again, or train the model anew"
        raise InputError(card.name, f"landmarks {card.landmarks[:12]}…", f"{fingerprint()[:12]}…", advice)
    output = artifact.OUTPUTS[card.labels]
    classifier = heads_of(model, threads, "features", output, card.name, providers)
    wanted, length = classifier.session.get_inputs()[0].shape[-1], len(mirror_of(recipe)[0])
    if wanted != length:
        raise InputError(f"{card.name}'s card", f"a feature recipe of {wanted} columns", f"one of {length}")
    return [
        ("landmarks", _landmarks),
        ("descriptors", _descriptors(json.dumps(recipe, sort_keys=True))),
        ("classifier", classifier),
        ("head", itemgetter(output)),
    ]


# Models with the same settings have the same functions, by which an ensemble knows what its members have in common.
def _landmarks(crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Aligned faces and their landmarks, of crops."""
    return align(crops, find_landmarks(crops))


@cache
def _descriptors(recipe: str) -> Step:
    """The step from aligned faces and landmarks to features. recipe: the feature recipe in JSON."""
    describe = describer(json.loads(recipe))
    return lambda faces: describe(*faces)
