"""Boxes are matched by overlap and move with the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut

from facial_emotion.video import follow

BOXES = st.lists(
    st.tuples(*[st.integers(0, 300)] * 2, *[st.integers(20, 120)] * 2).map(
        lambda drawn: (drawn[0], drawn[1], drawn[0] + drawn[2], drawn[1] + drawn[3])
    ),
    max_size=6,
).map(lambda boxes: np.array(boxes, dtype=float).reshape(-1, 4))


@given(BOXES, BOXES)
def test_overlaps_are_shares_and_the_same_both_ways(boxes: np.ndarray, others: np.ndarray) -> None:
    shared = follow.overlaps(boxes, others)
    assert shared.shape == (len(boxes), len(others))
    assert ((shared >= 0) & (shared <= 1 + 1e-9)).all()
    np.testing.assert_allclose(shared, follow.overlaps(others, boxes).T)
    np.testing.assert_allclose(np.diag(follow.overlaps(boxes, boxes)), 1)


def test_an_overlap_worked_by_hand() -> None:
    shared = follow.overlaps(np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 15, 10], [20, 20, 30, 30]]))
    np.testing.assert_allclose(shared, [[50 / 150, 0]])


@given(BOXES, BOXES)
def test_every_box_is_matched_at_most_once_and_only_with_one_near(known: np.ndarray, found: np.ndarray) -> None:
    pairs = follow.match(known, found)
    for side in (0, 1):
        assert len({pair[side] for pair in pairs}) == len(pairs)
    for one, other in pairs:
        apart = np.abs(known[one].reshape(2, 2).mean(axis=0) - found[other].reshape(2, 2).mean(axis=0))
        sizes = [np.ptp(box.reshape(2, 2), axis=0) for box in (known[one], found[other])]
        assert (apart < sum(sizes)).all()


@pytest.mark.parametrize(("step", "same"), [(0, True), (80, True), (120, False)])
def test_a_face_may_go_nearly_its_own_width_between_detections(step: int, same: bool) -> None:
    box = np.array([[50.0, 50, 150, 150]])
    assert bool(follow.match(box, box + np.array([step, 0, step, 0]))) == same


def test_two_faces_that_come_close_keep_their_places() -> None:
    known = np.array([[0, 0, 100, 100], [90, 0, 190, 100]])
    found = known[::-1] + np.array([-8, 0, -8, 0])
    assert sorted(follow.match(known, found)) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(("right", "down"), [(0, 0), (4, 0), (-3, 6), (7, -5)])
def test_a_box_goes_where_the_picture_goes(right: int, down: int) -> None:
    grey = astronaut()[..., 0].copy()
    after = np.roll(grey, (down, right), axis=(0, 1))
    boxes, sure = follow.moved(grey, after, np.array([[180.0, 70, 270, 160]]))
    assert sure.all()
    np.testing.assert_allclose(boxes, [[180 + right, 70 + down, 270 + right, 160 + down]], atol=1)


def test_where_the_picture_is_another_the_move_is_not_sure() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 300, 300)).astype(np.uint8)
    _, sure = follow.moved(noise[0], noise[1], np.array([[100.0, 100, 200, 200]]))
    assert not sure.any()
    assert follow.moved(noise[0], noise[1], np.zeros((0, 4)))[0].shape == (0, 4)
