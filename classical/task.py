"""The interface of the classical models: ``fit(task, settings) -> Fitted``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.classical.graph import Graph
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Json
from facial_emotion.training.parity import EXACT

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True)
class Task:
    """The data that a model is fitted on.

    features: float (n, d) and labels: int64 (n,), of Training; held_out_features and held_out_labels: of PublicTest.
    mirror: index (d,) and sign (d,), such that a mirrored face has the features sign * features[:, index].
    blocks: start and stop column of each feature block.
    client: of a Dask cluster to boost trees on; None: this machine. people: distributions of people's votes float
    (n, 7) of Training, for a model with a second head. moved: the features of moved copies of Training, each (n, d),
    which boosted trees are fitted on too.
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
    people: np.ndarray | None = None
    moved: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    scores: features (n, d) -> uncalibrated scores float (n, 7), computed by the library that fitted the model; (n, 14)
    of a model with a second head.
    graph: the same function as ONNX nodes, from ``features`` to ``scores``.
    bound: largest difference of a probability that the export may cause; over EXACT, labels may differ too.
    notes: for the card, such as the number of rounds and of support vectors.
    left_out: float (m, 7) or (m, 14), the scores that each row of Training gets from a fit without it, where they are
    known; calibration is fitted on them rather than on PublicTest.
    """

    scores: Callable[[np.ndarray], np.ndarray]
    graph: Callable[[], Graph]
    bound: float = EXACT
    notes: Json = field(default_factory=dict)
    left_out: np.ndarray | None = None


def class_weights(labels: np.ndarray, power: float) -> np.ndarray:
    """Row weights (n,) of mean 1: inverse class frequency to a power. 0: equal weights; 1: balanced classes."""
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    weights = (len(labels) / np.maximum(counts, 1)) ** power
    return (weights / weights[labels].mean())[labels]
