"""When a recognizer should say that it is not certain: a threshold on its confidence, chosen on PublicTest.

Chow, "On optimum recognition error and reject tradeoff", IEEE Transactions on Information Theory 16, 1970; the
curve of accuracy against coverage: Geifman and El-Yaniv, "Selective classification", NeurIPS 2017.
"""

from __future__ import annotations

import numpy as np

from facial_emotion.records import NEVER, Json

TARGET = 0.8  # accuracy that certain answers shall have


def curve(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds (k,), falling, and for each the coverage and the accuracy of answers at least so confident.

    probabilities: (n, 7); labels: (n,). k: the number of different confidences; the last coverage is 1.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = np.cumsum((probabilities.argmax(axis=1) == labels)[order])
    counts = np.arange(1, len(labels) + 1)
    last = np.append(np.diff(confidence[order]) != 0, True)  # rows of one confidence are answered together
    return confidence[order][last], counts[last] / len(labels), right[last] / counts[last]


def choose(probabilities: np.ndarray, labels: np.ndarray, target: float = TARGET) -> float:
    """The lowest threshold at which answers are as accurate as the target; above every confidence where none is."""
    thresholds, _, accuracy = curve(probabilities, labels)
    enough = np.flatnonzero(accuracy >= target)
    return float(thresholds[enough[-1]]) if len(enough) else NEVER


def figures(probabilities: np.ndarray, labels: np.ndarray, threshold: float) -> Json:
    """The share of rows that are answered with certainty, and what share of these is right (of none: None)."""
    certain = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == labels
    return {
        "coverage": float(certain.mean()),
        "accuracy_when_certain": float(right[certain].mean()) if certain.any() else None,
    }
