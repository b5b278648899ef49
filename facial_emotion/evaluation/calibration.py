"""Scores -> probabilities that mean what they say, fitted on PublicTest.

softmax(scores @ weights + bias), with any weights ("matrix scaling") or diagonal ones ("vector scaling"):
Guo et al., "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facial_emotion.features.emotions import EMOTIONS

_STRENGTH = 1.0  # inverse regularisation of the logistic regression, on scores of unit spread


@dataclass(frozen=True)
class Calibration:
    """weights: float32 (7, 7); bias: float32 (7,)."""

    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Scores (n, 7) -> probabilities (n, 7), float64."""
        from scipy.special import softmax

        result: np.ndarray = softmax(scores.astype(np.float64) @ self.weights + self.bias, axis=1)
        return result


def matrix(scores: np.ndarray, labels: np.ndarray) -> Calibration:
    """Matrix scaling: a multinomial logistic regression from a model's scores (n, 7) to held-out labels (n,)."""
    from sklearn.linear_model import LogisticRegression

    spread = scores.std()
    model = LogisticRegression(C=_STRENGTH, max_iter=2000).fit(scores / spread, labels)
    weights, bias = np.zeros((scores.shape[1], len(EMOTIONS))), np.full(len(EMOTIONS), -30.0)
    weights[:, model.classes_], bias[model.classes_] = model.coef_.T / spread, model.intercept_
    return Calibration(weights.astype(np.float32), bias.astype(np.float32))


def vector(scores: np.ndarray, labels: np.ndarray) -> Calibration:
    """A temperature and a bias for each class (vector scaling), which leave most answers as they are.

    softmax(scores / temperatures + bias), with those that give held-out labels (n,) the least log-loss.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax, softmax

    rows, wide, classes = np.arange(len(labels)), scores.astype(np.float64), len(EMOTIONS)

    def loss(both: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = wide * both[:classes] + both[classes:]
        surplus = softmax(scaled, axis=1)
        surplus[rows, labels] -= 1
        slope = np.concatenate([(surplus * wide).mean(axis=0), surplus.mean(axis=0)])
        return -log_softmax(scaled, axis=1)[rows, labels].mean(), slope

    found = minimize(loss, np.repeat([1.0, 0.0], classes), jac=True, method="L-BFGS-B").x
    return Calibration(np.diag(found[:classes]).astype(np.float32), found[classes:].astype(np.float32))
