"""Scores that can be worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facial_emotion.errors import InputError
from facial_emotion.evaluation.scores import accuracy_interval, expected_calibration_error, scores
from facial_emotion.training import calibrate

Fit = Callable[[np.ndarray, np.ndarray], calibrate.Calibration]


def rows(*confidences: tuple[int, float]) -> np.ndarray:
    """Probabilities with a top class and its confidence; the rest is shared."""
    table = np.empty((len(confidences), 7))
    for row, (label, confidence) in zip(table, confidences, strict=True):
        row[:] = (1 - confidence) / 6
        row[label] = confidence
    return table


def test_calibration_error_of_two_bins_by_hand() -> None:
    # Bin (0.4, 0.5]: confidence 0.45, accuracy 1/2. Bin (0.9, 1.0]: confidence 0.95, accuracy 2/2.
    table = rows((0, 0.45), (1, 0.45), (2, 0.95), (3, 0.95))
    found = expected_calibration_error(table, np.array([0, 0, 2, 3]), bins=10)
    assert found == pytest.approx((2 * abs(0.45 - 0.5) + 2 * abs(0.95 - 1.0)) / 4)


def test_certain_and_right_has_no_calibration_error() -> None:
    assert expected_calibration_error(np.eye(7), np.arange(7)) == 0
    assert expected_calibration_error(np.eye(7), (np.arange(7) + 1) % 7) == 1


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (700, 1000)])
def test_the_interval_holds_the_accuracy(right: int, count: int) -> None:
    low, high = accuracy_interval(right, count)
    assert 0 <= low <= right / count <= high <= 1
    if right == 700:  # the normal approximation: 1.96 * sqrt(0.7 * 0.3 / 1000) = 0.0284
        assert (high - low) / 2 == pytest.approx(0.0284, abs=0.003)


def test_figures_of_a_small_table_by_hand() -> None:
    labels = np.array([3, 3, 3, 6, 6, 1])
    predicted = [3, 3, 6, 6, 6, 3]
    duplicates = np.array([True, False, False, False, False, False])
    found = scores(rows(*[(label, 0.6) for label in predicted]), labels, duplicates, threshold=0.7)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.accuracy_without_duplicates == pytest.approx(3 / 5)
    assert found.rows_without_duplicates == 5
    assert (found.coverage, found.accuracy_when_certain) == (0, None)
    happy, disgust = found.per_class["happy"], found.per_class["disgust"]
    assert happy.precision == pytest.approx(2 / 3)
    assert happy.recall == pytest.approx(2 / 3)
    assert (disgust.recall, disgust.rows) == (0, 1)
    # happy: F1 2/3; neutral: precision 2/3, recall 1, F1 4/5; the other five classes 0.
    assert found.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 3)  # of the three emotions that have rows
    assert found.confusion[3] == [0, 0, 0, 2, 0, 0, 1]
    assert found.log_loss == pytest.approx(-(4 * np.log(0.6) + 2 * np.log(0.4 / 6)) / 6)


def test_no_rows_are_refused() -> None:
    with pytest.raises(InputError, match="expected 3 rows, one or more, found 2"):
        scores(np.eye(7)[:2], np.arange(3), np.zeros(3, bool), threshold=0.5)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000), st.sampled_from([calibrate.matrix, calibrate.vector]))
def test_calibration_lowers_the_error_of_overconfident_scores(seed: int, fit: Fit) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1.5, (2000, 7))
    chances = np.exp(truth) / np.exp(truth).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(7, p=row) for row in chances])
    overconfident = 5 * truth
    plain = np.exp(overconfident) / np.exp(overconfident).sum(axis=1, keepdims=True)
    fitted = fit(overconfident[:1000], np.eye(7)[labels[:1000]])
    held_out = fitted.probabilities(overconfident[1000:])
    np.testing.assert_allclose(held_out.sum(axis=1), 1)
    assert (
        expected_calibration_error(held_out, labels[1000:])
        < expected_calibration_error(plain[1000:], labels[1000:]) / 2
    )
