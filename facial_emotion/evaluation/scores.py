"""Scores of probabilities against labels.

Metrics are scikit-learn's and SciPy's; ours is the expected calibration error (Naeini et al., AAAI 2015; Guo et al.,
"On calibration of modern neural networks", ICML 2017).
"""

from __future__ import annotations

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.evaluation import abstention
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import ClassScores, Scores

BINS = 15
_LABELS = list(range(len(EMOTIONS)))


def scores(probabilities: np.ndarray, labels: np.ndarray, duplicates: np.ndarray, threshold: float) -> Scores:
    """The scores of one model on one split.

    probabilities: (n, 7); labels: (n,); duplicates: bool (n,), the rows that have a near-duplicate in
    Training; threshold: the confidence below which an answer is uncertain. Shares and F1 are 0-1, log-loss in nats. An
    emotion without a row is left out of macro-F1, as of the mean recall.
    """
    from sklearn.metrics import f1_score, log_loss, precision_recall_fscore_support

    if len(probabilities) != len(labels) or not len(labels):
        raise InputError("probabilities", f"{len(labels)} rows, one or more", f"{len(probabilities)}")
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=_LABELS, zero_division=0)
    low, high = accuracy_interval(int(right.sum()), len(labels))
    return Scores(
        rows=len(labels),
        accuracy=float(right.mean()),
        accuracy_low=low,
        accuracy_high=high,
        rows_without_duplicates=int((~duplicates).sum()),
        accuracy_without_duplicates=float(right[~duplicates].mean()) if (~duplicates).any() else None,
        macro_f1=float(f1_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0)),
        log_loss=float(log_loss(labels, np.clip(probabilities, 1e-7, 1), labels=_LABELS)),
        ece=expected_calibration_error(probabilities, labels),
        **abstention.figures(probabilities, labels, threshold),
        per_class={
            name: ClassScores(float(precision[label]), float(recall[label]), float(f1[label]), int(support[label]))
            for label, name in enumerate(EMOTIONS)
        },
        confusion=confusion(labels, predicted).tolist(),
    )


def mean_recall(labels: np.ndarray, predicted: np.ndarray) -> float:
    """The mean over the emotions of the share of their rows that are recognised, also called balanced accuracy.

    An emotion without a row is left out.
    """
    from sklearn.metrics import recall_score

    return float(recall_score(labels, predicted, labels=np.unique(labels), average="macro"))


def in_words(scores: Scores) -> str:
    """The main scores as a line."""
    without, certain = (
        "-" if share is None else f"{share:.2%}"
        for share in (scores.accuracy_without_duplicates, scores.accuracy_when_certain)
    )
    return (
        f"accuracy {scores.accuracy:.2%} ({without} without near-duplicates), {certain} at a coverage of"
        f" {scores.coverage:.0%}, macro-F1 {scores.macro_f1:.3f}, ECE {scores.ece:.3f},"
        f" mean recall {scores.mean_recall:.1%}"
    )


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Mean distance of confidence and accuracy over equally wide bins of the top probability, weighted by rows."""
    return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """Mean distance of confidence (n,) from ``right`` (n,), bool or a share, over equal bins of confidence."""
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    surplus = np.bincount(which, weights=confidence - right, minlength=bins)
    return float(np.abs(surplus).sum() / len(right))


def accuracy_interval(right: int, rows: int, share: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of an accuracy: ``right`` of ``rows`` (Wilson, JASA 22, 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(right, rows).proportion_ci(share, method="wilson")
    return float(interval.low), float(interval.high)


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts, int64 (7, 7): row the label, column the prediction."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, predicted, labels=_LABELS)
