"""Intervals and tests against hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest

from facial_emotion.evaluation.scores import accuracy_interval
from workshop.reporting import statistics


def test_the_interval_of_an_accuracy_is_the_same_everywhere() -> None:
    counts = np.zeros((7, 7), int)
    counts[3, 3], counts[3, 4] = 700, 300
    low, high = statistics.intervals(counts)["accuracy"]
    assert low < 0.7 < high
    assert (low, high) == accuracy_interval(700, 1000)


def test_mcnemar_by_hand() -> None:
    # 1 row is right for the first alone, 5 for the second alone: 2 * (C(6,0) + C(6,1)) / 2**6.
    first = np.array([True] * 4 + [True] + [False] * 5)
    other = np.array([True] * 4 + [False] + [True] * 5)
    assert statistics.mcnemar(first, other) == {"only_first": 1, "only_second": 5, "p": pytest.approx(14 / 64)}
    assert statistics.mcnemar(first, first)["p"] == 1


def test_exact_confidences_have_an_error_by_chance_which_falls_with_rows_and_answers() -> None:
    def found(rows: int, answers: int) -> dict[str, float]:
        confidence = np.random.default_rng(1).uniform(0.3, 1.0, rows)
        return statistics.error_of_exact(confidence, np.full(rows, answers), 15)

    few, many = found(900, 1), found(3600, 1)
    assert few["low"] < few["mean"] < few["high"]
    assert many["mean"] == pytest.approx(few["mean"] / 2, rel=0.1)  # as of a mean, by the root of the rows
    assert found(900, 4)["mean"] == pytest.approx(few["mean"] / 2, rel=0.1)
    certain = statistics.error_of_exact(np.ones(50), np.ones(50, int), 15)
    assert certain == {"mean": 0, "low": 0, "high": 0}


def test_bins_of_reliability_by_hand() -> None:
    table = np.full((3, 7), 0.05)
    table[[0, 1, 2], [0, 1, 2]] = 0.45, 0.47, 0.95
    bins = statistics.reliability(table.max(axis=1), table.argmax(axis=1) == [0, 0, 2], 10)
    assert [each["rows"] for each in bins] == [2, 1]
    assert bins[0] == {"confidence": pytest.approx(0.46), "accuracy": 0.5, "rows": 2}
