"""Inference of the classical models: crops -> landmarks -> descriptors -> probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import artifact
from facial_emotion.errors import InputError
from facial_emotion.features.extract import describer, predictor_of
from facial_emotion.features.landmarks import find_landmarks, fingerprint
from facial_emotion.records import Card
from facial_emotion.threads import onnx_session


def steps(card: Card, model: bytes, threads: int, root: Path) -> list[tuple[str, Callable[[Any], Any]]]:
    """The named steps of a classical recognizer; a step's output is the input of the next."""
    recipe = card.features or {"blocks": []}
    predictor = predictor_of(recipe)
    if card.landmarks and card.landmarks != fingerprint(predictor):
        advice = "the model was trained with others: install the package again, or train the model anew"
        raise InputError(card.name, f"landmarks {card.landmarks[:12]}…", f"{fingerprint(predictor)[:12]}…", advice)
    describe = describer(recipe)
    output = artifact.OUTPUTS[card.labels]
    session = onnx_session(model, threads, "features", output, card.name)

    def landmarks(crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return crops, find_landmarks(crops, predictor)

    def descriptors(faces: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return describe(*faces)

    def classifier(features: np.ndarray) -> np.ndarray:
        result: np.ndarray = session.run([output], {"features": features})[0]
        return result

    return [("landmarks", landmarks), ("descriptors", descriptors), ("classifier", classifier)]
