"""Inference with an exported network: crops -> probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import artifact
from facial_emotion.records import Card
from facial_emotion.threads import onnx_session


def steps(card: Card, model: bytes, threads: int, root: Path) -> list[tuple[str, Callable[[Any], Any]]]:
    """The named steps of a recognizer, each of which takes the output of the one before; here the network alone."""
    output = artifact.OUTPUTS[card.labels]
    session = onnx_session(model, threads, "crops", output, card.name)

    def network(crops: np.ndarray) -> np.ndarray:
        return session.run([output], {"crops": crops})[0]

    return [("network", network)]
