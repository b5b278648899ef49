"""Confidence intervals of all figures, McNemar's test, and reliability diagrams."""

from __future__ import annotations

from typing import Any

import numpy as np

from facial_emotion.evaluation.scores import accuracy_interval, calibration_error
from facial_emotion.evaluation.statistics import of_confusion, resampled
from facial_emotion.features.emotions import EMOTIONS

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
