"""What every classical model is given and gives back, so that train, tune and export need not know which it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.classical.graph import Graph
from facial_emotion.evaluation.parity import EXACT
from facial_emotion.features.emotions import EMOTIONS

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True)
class Task:
    """What a model is fitted on.

    features float (n, d) and labels (n,) of Training and of PublicTest; mirror: index (d,) and sign (d,)
    such that a mirrored face has sign * features[:, index]; blocks: first and last column of each feature block;
    client: of the Dask cluster to boost trees on, None to fit here.
    """

    features: np.ndarray
    labels: np.ndarray
    held_out_features: np.ndarray
    held_out_labels: np.ndarray
    mirror: tuple[np.ndarray, np.ndarray]
    blocks: list[tuple[int, int]]
    seed: int = 0
    threads: int = 2
    client: Client | None = None


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    scores: features (n, d) -> float (n, 7), by the library that fitted; graph: the same as ONNX nodes, to ``scores``.
    """

    scores: Callable[[np.ndarray], np.ndarray]
    graph: Callable[[], Graph]
    bound: float = EXACT  # largest difference of a probability that the export may make; over EXACT labels may change
    notes: dict[str, Any] = field(default_factory=dict)  # for the card: rounds used, sizes


def class_weights(labels: np.ndarray, power: float) -> np.ndarray:
    """Weights (n,) of mean 1: a class weighs as its rarity to a power, 0 (as it is) to 1 (all classes alike)."""
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    weights = (len(labels) / np.maximum(counts, 1)) ** power
    result: np.ndarray = (weights / weights[labels].mean())[labels]
    return result
