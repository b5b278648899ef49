"""Association by overlap, and propagation by optical flow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion import examples
from facial_emotion.video import tracking

BOXES = st.lists(
    st.tuples(*[st.integers(0, 300)] * 2, *[st.integers(20, 120)] * 2).map(
        lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
    ),
    max_size=6,
).map(lambda boxes: np.array(boxes, dtype=float).reshape(-1, 4))


@given(BOXES, BOXES)
def test_overlaps_are_symmetric_and_between_0_and_1(boxes: np.ndarray, others: np.ndarray) -> None:
    iou = tracking.overlaps(boxes, others)
    assert iou.shape == (len(boxes), len(others))
    assert ((iou >= 0) & (iou <= 1 + 1e-9)).all()
    np.testing.assert_allclose(iou, tracking.overlaps(others, boxes).T)
    np.testing.assert_allclose(np.diag(tracking.overlaps(boxes, boxes)), 1)


def test_overlap_equals_a_hand_computed_value() -> None:
    iou = tracking.overlaps(np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 15, 10], [20, 20, 30, 30]]))
    np.testing.assert_allclose(iou, [[50 / 150, 0]])


@given(BOXES, BOXES)
def test_association_is_one_to_one_and_local(tracks: np.ndarray, detections: np.ndarray) -> None:
    pairs = tracking.associate(tracks, detections)
    for side in (0, 1):
        assert len({pair[side] for pair in pairs}) == len(pairs)
    for track, detection in pairs:
        first, second = tracks[track].reshape(2, 2), detections[detection].reshape(2, 2)
        distance = np.abs(first.mean(axis=0) - second.mean(axis=0))
        assert (distance < np.ptp(first, axis=0) + np.ptp(second, axis=0)).all()


@pytest.mark.parametrize(("step", "same"), [(0, True), (80, True), (120, False)])
def test_a_face_may_move_by_most_of_its_width_between_detections(step: int, same: bool) -> None:
    box = np.array([[50.0, 50, 150, 150]])
    assert bool(tracking.associate(box, box + np.array([step, 0, step, 0]))) == same


def test_two_close_faces_are_not_swapped() -> None:
    tracks = np.array([[0, 0, 100, 100], [90, 0, 190, 100]])
    detections = tracks[::-1] + np.array([-8, 0, -8, 0])
    assert sorted(tracking.associate(tracks, detections)) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(("right", "down"), [(0, 0), (4, 0), (-3, 6), (7, -5)])
def test_a_box_moves_with_the_picture(right: int, down: int) -> None:
    previous = examples.portrait()[..., 0].copy()
    current = np.roll(previous, (down, right), axis=(0, 1))
    boxes, reliable = tracking.propagate(previous, current, np.array([[180.0, 70, 270, 160]]))
    assert reliable.all()
    np.testing.assert_allclose(boxes, [[180 + right, 70 + down, 270 + right, 160 + down]], atol=1)


def test_propagation_to_an_unrelated_picture_is_unreliable() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 300, 300)).astype(np.uint8)
    _, reliable = tracking.propagate(noise[0], noise[1], np.array([[100.0, 100, 200, 200]]))
    assert not reliable.any()
    assert tracking.propagate(noise[0], noise[1], np.zeros((0, 4)))[0].shape == (0, 4)
