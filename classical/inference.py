"""Inference of the classical models: crops -> landmarks -> descriptors -> probabilities."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from facial_emotion import artifact
from facial_emotion.errors import InputError
from facial_emotion.features.extract import describer, mirror_of, predictor_of
from facial_emotion.features.landmarks import align, find_landmarks, fingerprint
from facial_emotion.records import Card
from facial_emotion.threads import heads_of

Step = Callable[[Any], Any]


def steps(card: Card, model: bytes, threads: int, root: Path, providers: Sequence[str]) -> list[tuple[str, Step]]:
    """The named steps of a classical recognizer; a step's output is the input of the next."""
    recipe = card.features or {}
    predictor = predictor_of(recipe)
    if card.landmarks and card.landmarks != fingerprint(predictor):
        advice = "the model was trained with others: install the package again, or train the model anew"
        raise InputError(card.name, f"landmarks {card.landmarks[:12]}…", f"{fingerprint(predictor)[:12]}…", advice)
    output = artifact.OUTPUTS[card.labels]
    classifier = heads_of(model, threads, "features", output, card.name, providers)
    wanted, length = classifier.session.get_inputs()[0].shape[-1], len(mirror_of(recipe)[0])
    if wanted != length:
        raise InputError(f"{card.name}'s card", f"a feature recipe of {wanted} columns", f"one of {length}")
    return [
        ("landmarks", _landmarks(predictor)),
        ("descriptors", _descriptors(json.dumps(recipe, sort_keys=True))),
        ("classifier", classifier),
        ("head", itemgetter(output)),
    ]


# Models with the same settings have the same function, by which an ensemble knows what its members have in common.
@cache
def _landmarks(predictor: str) -> Step:
    """The step from crops to aligned faces and their landmarks."""
    return lambda crops: align(crops, find_landmarks(crops, predictor))


@cache
def _descriptors(recipe: str) -> Step:
    """The step from aligned faces and landmarks to features. recipe: the feature recipe in JSON."""
    describe = describer(json.loads(recipe))
    return lambda faces: describe(*faces)
