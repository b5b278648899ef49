"""The linear model that boosting starts from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facial_emotion.classical.task import Task
from facial_emotion.classical.trees import linear_start, mirrored
from facial_emotion.features.emotions import EMOTIONS


def task_of(labels: np.ndarray, seed: int, shift: float, pairs: int = 10) -> Task:
    """Random features, in pairs that mirroring swaps, some with a change of sign; each label raises a pair of them."""
    rng = np.random.default_rng(seed)
    columns = np.arange(2 * pairs)
    mirror, sign = (columns + pairs) % (2 * pairs), np.where(columns % pairs % 3, 1, -1).astype(np.float32)
    features = rng.normal(size=(len(labels), len(columns))).astype(np.float32)
    rows = np.arange(len(labels))
    features[rows, labels] += shift
    features[rows, mirror[labels]] += shift * sign[labels]
    return Task(features, labels, features, labels, (mirror, sign), [(0, len(columns))])


def test_it_tells_apart_what_is_linear_and_a_mirrored_face_scores_the_same() -> None:
    labels = np.random.default_rng(0).integers(len(EMOTIONS), size=700)
    known, new = task_of(labels, 1, 3.0), task_of(labels, 2, 3.0)
    start = linear_start(known, ridge=1.0)
    scores = start.scores(new.features)
    assert (scores.argmax(axis=1) == labels).mean() > 0.9
    assert (start.left_out.argmax(axis=1) == labels).mean() > 0.9
    np.testing.assert_allclose(start.scores(mirrored(new.features, new.mirror)), scores, atol=1e-4)


def test_the_scores_of_training_rows_are_of_fits_without_them() -> None:
    labels = np.random.default_rng(0).integers(len(EMOTIONS), size=400)
    task = task_of(labels, 1, 0.0, pairs=600)  # nothing to learn, but enough columns to remember every row
    start = linear_start(task, ridge=1.0)
    assert (start.left_out.argmax(axis=1) == labels).mean() < 0.4
    assert (start.left_out.argmax(axis=1) == start.scores(task.features).argmax(axis=1)).mean() < 0.5


def test_moved_copies_are_scored_by_fits_without_their_face() -> None:
    labels = np.random.default_rng(0).integers(len(EMOTIONS), size=400)
    task = task_of(labels, 1, 0.0, pairs=600)
    start = linear_start(replace(task, moved=(task.features,)), ridge=1.0)
    np.testing.assert_array_equal(start.left_out[400:], start.left_out[:400])


def test_without_a_ridge_boosting_starts_from_zero() -> None:
    task = task_of(np.arange(7), 0, 1.0)
    start = linear_start(task, ridge=None)
    assert not start.left_out.any()
    assert not start.scores(task.features).any()
