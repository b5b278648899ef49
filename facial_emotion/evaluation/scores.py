"""How good probabilities are against labels.

Metrics are scikit-learn's; ours are the expected calibration error (Naeini et al., AAAI 2015; Guo et
al., "On calibration of modern neural networks", ICML 2017) and the bootstrap over rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.evaluation import abstention
from facial_emotion.features.emotions import EMOTIONS

BINS = 15
RESAMPLES = 2000
_LABELS = list(range(len(EMOTIONS)))


def scores(probabilities: np.ndarray, labels: np.ndarray, duplicates: np.ndarray, threshold: float) -> dict[str, Any]:
    """Every figure of one model on one split, as plain numbers.

    probabilities: (n, 7); labels: (n,); duplicates: bool (n,), the rows that have a near-duplicate in
    Training; threshold: the confidence below which an answer is uncertain. Shares and F1 are 0-1, log-loss in nats.
    """
    from sklearn.metrics import f1_score, log_loss, precision_recall_fscore_support

    if len(probabilities) != len(labels) or not len(labels):
        raise InputError("probabilities", f"{len(labels)} rows, one or more", f"{len(probabilities)}")
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=_LABELS, zero_division=0)
    low, high = bootstrap_interval(right)
    return {
        "rows": len(labels),
        "accuracy": float(right.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "rows_without_duplicates": int((~duplicates).sum()),
        "accuracy_without_duplicates": float(right[~duplicates].mean()) if (~duplicates).any() else None,
        "macro_f1": float(f1_score(labels, predicted, labels=_LABELS, average="macro", zero_division=0)),
        "log_loss": float(log_loss(labels, np.clip(probabilities, 1e-7, 1), labels=_LABELS)),
        "ece": expected_calibration_error(probabilities, labels),
        **abstention.figures(probabilities, labels, threshold),
        "per_class": {
            name: {
                "precision": float(precision[label]),
                "recall": float(recall[label]),
                "f1": float(f1[label]),
                "rows": int(support[label]),
            }
            for label, name in enumerate(EMOTIONS)
        },
        "confusion": confusion(labels, predicted).tolist(),
    }


def in_words(figures: dict[str, Any]) -> str:
    """The main figures of ``scores`` as a line."""
    without, certain = (
        "-" if figures[key] is None else f"{figures[key]:.2%}"
        for key in ("accuracy_without_duplicates", "accuracy_when_certain")
    )
    return (
        f"accuracy {figures['accuracy']:.2%} ({without} without near-duplicates), {certain} on the"
        f" {figures['coverage']:.0%} that it is certain of,"
        f" macro-F1 {figures['macro_f1']:.3f}, ECE {figures['ece']:.3f},"
        f" recall of disgust {figures['per_class']['disgust']['recall']:.0%}"
    )


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Mean distance of confidence and accuracy over equally wide bins of the top probability, weighted by rows."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    surplus = np.bincount(which, weights=confidence - right, minlength=bins)
    return float(np.abs(surplus).sum() / len(labels))


def bootstrap_interval(right: np.ndarray, share: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Percentile interval of an accuracy when its rows are drawn again with replacement.

    right: bool (n,). A resample's number of right rows is binomial, so it is drawn as one.
    """
    rows = len(right)
    drawn = np.random.default_rng(seed).binomial(rows, right.mean(), RESAMPLES) / rows
    low, high = np.quantile(drawn, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts, int64 (7, 7): row the label, column the prediction."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, predicted, labels=_LABELS)
