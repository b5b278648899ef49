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
    """weights: float32 (k, 7), of k scores; bias: float32 (7,)."""

    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Scores (n, k) -> probabilities (n, 7), float64."""
        from scipy.special import softmax

        return softmax(scores.astype(np.float64) @ self.weights + self.bias, axis=1)


def matrix(scores: np.ndarray, targets: np.ndarray) -> Calibration:
    """Matrix scaling: a multinomial logistic regression from a model's scores (n, k) to held-out targets (n, 7).

    The targets of a row are one-hot or a distribution; they sum to the row's weight.
    """
    from sklearn.linear_model import LogisticRegression

    spread = scores.std()
    rows, labels = np.nonzero(targets)
    regression = LogisticRegression(C=_STRENGTH, max_iter=2000)
    model = regression.fit(scores[rows] / spread, labels, sample_weight=targets[rows, labels])
    weights, bias = np.zeros((scores.shape[1], len(EMOTIONS))), np.full(len(EMOTIONS), -30.0)
    weights[:, model.classes_], bias[model.classes_] = model.coef_.T / spread, model.intercept_
    return Calibration(weights.astype(np.float32), bias.astype(np.float32))


def vector(scores: np.ndarray, targets: np.ndarray) -> Calibration:
    """Vector scaling: a temperature and a bias for each class, which leave most answers as they are.

    softmax(scores / temperatures + bias), with those of least cross-entropy with held-out targets (n, 7), which are as
    in ``matrix``.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax, softmax

    wide, classes, row_weights = scores.astype(np.float64), len(EMOTIONS), targets.sum(axis=1, keepdims=True)

    def loss(both: np.ndarray) -> tuple[float, np.ndarray]:
        scaled = wide * both[:classes] + both[classes:]
        surplus = (row_weights * softmax(scaled, axis=1) - targets) / len(targets)
        slope = np.concatenate([(surplus * wide).sum(axis=0), surplus.sum(axis=0)])
        return -(targets * log_softmax(scaled, axis=1)).sum() / len(targets), slope

    optimum = minimize(loss, np.repeat([1.0, 0.0], classes), jac=True, method="L-BFGS-B").x
    return Calibration(np.diag(optimum[:classes]).astype(np.float32), optimum[classes:].astype(np.float32))


# By the names that recipes give them; the last one takes the scores of all heads of a model.
JOINT = "joint matrix"
METHODS = {"matrix": matrix, "vector": vector, JOINT: matrix}
