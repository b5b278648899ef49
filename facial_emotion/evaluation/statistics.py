"""Resampled figures of a confusion matrix, and differences of models with their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


def resampled(counts: np.ndarray, seed: int = 0) -> np.ndarray:
    """The bootstrap's confusion matrices, int64 (2000, 7, 7), of one (7, 7).

    Resampling n rows draws the 49 cells from a multinomial distribution (Efron and Tibshirani, "An introduction to the
    bootstrap", 1993).
    """
    rows = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(rows, counts.ravel() / rows, RESAMPLES)
    return drawn.reshape(-1, *counts.shape)


def of_confusion(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Figures of many confusion matrices (k, 7, 7): accuracy and macro_f1 (k,), precision, recall and f1 (k, 7)."""
    right = np.diagonal(counts, axis1=1, axis2=2)
    labelled, predicted = counts.sum(axis=2), counts.sum(axis=1)
    f1 = 2 * right / np.maximum(labelled + predicted, 1)
    return {
        "accuracy": right.sum(axis=1) / counts.sum(axis=(1, 2)),
        "macro_f1": f1.mean(axis=1),
        "precision": right / np.maximum(predicted, 1),
        "recall": right / np.maximum(labelled, 1),
        "f1": f1,
    }


@dataclass(frozen=True)
class Difference:
    """How much more accurate one model is than another, with its confidence interval.

    middle: of the interval, which is nearer to 0 than the estimate where there are few rows.
    """

    estimate: float
    middle: float
    low: float
    high: float


def difference(right: np.ndarray, other: np.ndarray, share: float = 0.95) -> Difference:
    """The difference in accuracy of two models on the same rows, bool (n,) each, where they are right.

    The adjusted interval of Bonett and Price ("Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data", Journal of Educational and Behavioral Statistics 37, 2012), which holds for few
    rows too.
    """
    rows = len(right)
    only, only_other = int((right & ~other).sum()), int((other & ~right).sum())
    first, second = (only + 1) / (rows + 2), (only_other + 1) / (rows + 2)
    deviation = np.sqrt((first + second - (first - second) ** 2) / (rows + 2))
    return _difference((only - only_other) / rows, first - second, float(deviation), share)


def independent_difference(right: int, rows: int, other: int, other_rows: int, share: float = 0.95) -> Difference:
    """The difference in accuracy of ``right`` of ``rows`` and ``other`` of ``other_rows``, as of two samples.

    The interval of Agresti and Caffo ("Simple and effective confidence intervals for proportions and differences of
    proportions", The American Statistician 54, 2000). Where the rows are the same it is wider than it need be.
    """
    first, second = (right + 1) / (rows + 2), (other + 1) / (other_rows + 2)
    deviation = np.sqrt(first * (1 - first) / (rows + 2) + second * (1 - second) / (other_rows + 2))
    estimate = right / rows - other / other_rows
    return _difference(estimate, first - second, float(deviation), share)


def _difference(estimate: float, middle: float, deviation: float, share: float) -> Difference:
    from scipy.stats import norm

    half = float(norm.ppf((1 + share) / 2)) * deviation
    return Difference(estimate, middle, max(-1.0, middle - half), min(1.0, middle + half))
