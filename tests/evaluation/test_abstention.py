"""Where a recognizer says that it is uncertain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.evaluation import abstention


def answers(*confidences: float) -> np.ndarray:
    """Probabilities whose likeliest emotion is the first, with these confidences."""
    rest = (1 - np.array(confidences)) / 6
    return np.column_stack([confidences, *[rest] * 6])


BY_HAND = answers(0.9, 0.8, 0.8, 0.6, 0.4), np.array([0, 0, 1, 0, 1])  # right, right, wrong, right, wrong


def test_a_curve_worked_by_hand() -> None:
    thresholds, coverage, accuracy = abstention.curve(*BY_HAND)
    np.testing.assert_allclose(thresholds, [0.9, 0.8, 0.6, 0.4])
    np.testing.assert_allclose(coverage, [0.2, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(accuracy, [1, 2 / 3, 3 / 4, 3 / 5])


@pytest.mark.parametrize(("target", "threshold"), [(0.5, 0.4), (0.75, 0.6), (0.9, 0.9)])
def test_the_threshold_covers_most_that_the_target_allows(target: float, threshold: float) -> None:
    assert abstention.choose(*BY_HAND, target) == pytest.approx(threshold)


def test_where_no_answer_is_good_enough_all_are_uncertain() -> None:
    threshold = abstention.choose(answers(0.9, 0.5), np.array([1, 1]))
    assert threshold > 1
    found = abstention.figures(answers(0.9, 1.0), np.array([0, 0]), threshold)
    assert found == {"coverage": 0.0, "accuracy_when_certain": None}


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 0.95))
def test_what_was_chosen_reaches_the_target(seed: int, target: float) -> None:
    rng = np.random.default_rng(seed)
    probabilities, labels = rng.dirichlet(np.ones(7), 40), rng.integers(0, 7, 40)
    found = abstention.figures(probabilities, labels, abstention.choose(probabilities, labels, target))
    assert found["accuracy_when_certain"] is None or found["accuracy_when_certain"] >= target
