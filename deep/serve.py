"""The deep track at work: crops -> probabilities, in one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import artifact


def steps(card: artifact.Card, model: bytes, threads: int, root: Path) -> list[tuple[str, Callable[[Any], Any]]]:
    """The named steps of a recognizer, each taking what the one before gives."""
    session = artifact.session(model, threads)

    def network(crops: np.ndarray) -> np.ndarray:
        return session.run(["probabilities"], {"crops": crops})[0]

    return [("network", network)]
