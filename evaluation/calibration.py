"""Scores -> probabilities that mean what they say, fitted on PublicTest.

Matrix scaling (Guo et al., ICML 2017; Kull et al., NeurIPS 2019): softmax(scores @ weights + bias),
a multinomial logistic regression on the seven scores, held towards the plain temperature that fits best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.emotions import EMOTIONS

_STRENGTH = 1.0  # inverse regularisation of the logistic regression, on scores of unit spread


@dataclass(frozen=True)
class Calibration:
    """weights: float32 (7, 7); bias: float32 (7,)."""

    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Scores (n, 7) -> probabilities (n, 7), float64."""
        from scipy.special import softmax

        return softmax(scores.astype(np.float64) @ self.weights + self.bias, axis=1)


def fit(scores: np.ndarray, labels: np.ndarray) -> Calibration:
    """The calibration that gives held-out labels (n,) the least log-loss from a model's scores (n, 7)."""
    from sklearn.linear_model import LogisticRegression

    spread = scores.std()
    model = LogisticRegression(C=_STRENGTH, max_iter=2000).fit(scores / spread, labels)
    weights, bias = np.zeros((scores.shape[1], len(EMOTIONS))), np.full(len(EMOTIONS), -30.0)
    weights[:, model.classes_], bias[model.classes_] = model.coef_.T / spread, model.intercept_
    return Calibration(weights.astype(np.float32), bias.astype(np.float32))


def temperature(scores: np.ndarray, labels: np.ndarray) -> Calibration:
    """The one temperature that gives held-out labels (n,) the least log-loss: softmax(scores / temperature)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows, wide = np.arange(len(labels)), scores.astype(np.float64)
    found = minimize_scalar(
        lambda log: -log_softmax(wide * np.exp(-log), axis=1)[rows, labels].mean(), bounds=(-4, 4), method="bounded"
    )
    weights = np.eye(len(EMOTIONS)) * np.exp(-found.x)
    return Calibration(weights.astype(np.float32), np.zeros(len(EMOTIONS), dtype=np.float32))
