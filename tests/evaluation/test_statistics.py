"""Figures against hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from facial_emotion.evaluation import statistics


def test_figures_of_a_confusion_matrix_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 7, 200), rng.integers(0, 7, 200)
    counts = np.zeros((7, 7), int)
    np.add.at(counts, (labels, predicted), 1)
    found = statistics.of_confusion(counts[None])
    assert found["accuracy"][0] == (labels == predicted).mean()
    assert found["macro_f1"][0] == pytest.approx(f1_score(labels, predicted, average="macro"))
    np.testing.assert_allclose(found["precision"][0], precision_score(labels, predicted, average=None))
    np.testing.assert_allclose(found["recall"][0], recall_score(labels, predicted, average=None))
