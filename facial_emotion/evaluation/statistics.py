"""Confidence intervals, differences of models, McNemar's test, and reliability diagrams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from facial_emotion.evaluation.scores import accuracy_interval, calibration_error
from facial_emotion.features.emotions import EMOTIONS

RESAMPLES = 2000
_DRAWS = 500


def intervals(counts: np.ndarray, share: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """Confidence intervals, (low, high), of the figures of a confusion matrix (7, 7), row the label.

    Wilson's for the accuracy; for all else, percentiles of the bootstrap over rows.
    """
    rows = int(counts.sum())
    figures = of_confusion(resampled(counts, seed))
    tails = [(1 - share) / 2, (1 + share) / 2]
    ends = {name: np.quantile(values, tails, axis=0) for name, values in figures.items()}
    per_class = {
        emotion: {name: ends[name][:, label].tolist() for name in ("precision", "recall", "f1")}
        for label, emotion in enumerate(EMOTIONS)
    }
    accuracy = list(accuracy_interval(int(np.trace(counts)), rows, share))
    return {"accuracy": accuracy, "macro_f1": ends["macro_f1"].tolist(), "per_class": per_class}


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


def mcnemar(right: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    """Whether two models are right equally often: bool (n,) each, on the same rows.

    The exact form: of the rows that one alone gets right, each model gets half. McNemar, Psychometrika 12, 1947.
    """
    from scipy.stats import binomtest

    only, only_other = int((right & ~other).sum()), int((other & ~right).sum())
    p = 1.0 if only + only_other == 0 else float(binomtest(only, only + only_other).pvalue)
    return {"only_first": only, "only_second": only_other, "p": p}


def error_of_exact(confidence: np.ndarray, answers: np.ndarray, bins: int, seed: int = 0) -> dict[str, float]:
    """The calibration error that exactly right confidences have, by chance alone: mean, and 5 % and 95 % quantiles.

    Agreement with an answer is drawn with its confidence (n,) as the probability, for each of ``answers`` (n,), the
    labels or votes of the row. (Bröcker and Smith, "Increasing the reliability of reliability diagrams", Weather and
    Forecasting 22, 2007.)
    """
    drawn = np.random.default_rng(seed).binomial(answers, np.minimum(confidence, 1), (_DRAWS, len(confidence)))
    errors = [calibration_error(confidence, agreed / answers, bins) for agreed in drawn]
    low, high = np.quantile(errors, [0.05, 0.95])
    return {"mean": float(np.mean(errors)), "low": float(low), "high": float(high)}


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int) -> list[dict[str, Any]]:
    """Mean confidence, accuracy and rows of each of some equally wide bins of confidence that has rows.

    right: (n,), bool or the share of people who agree.
    """
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        {
            "confidence": float(confidence[which == each].mean()),
            "accuracy": float(right[which == each].mean()),
            "rows": int((which == each).sum()),
        }
        for each in range(bins)
        if (which == each).any()
    ]
