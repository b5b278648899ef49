"""Moved copies of crops."""

from __future__ import annotations

import numpy as np

from facial_emotion.classical.augment import Augmentation, moved


def test_without_amounts_crops_stay_as_they_are(crops: np.ndarray) -> None:
    (copy,) = moved(crops[:20], Augmentation(1, 0, 0, 0), seed=0)
    np.testing.assert_array_equal(copy, crops[:20])


def test_copies_differ_and_are_the_same_each_time(crops: np.ndarray) -> None:
    amount = Augmentation(2, 1.5, 0.05, 5)
    first, second = moved(crops[:20], amount, seed=0)
    assert first.dtype == np.uint8
    assert (first != second).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(moved(crops[:20], amount, seed=0)[1], second)


def test_a_spot_moves_by_no_more_than_the_amount() -> None:
    spots = np.zeros((200, 48, 48), dtype=np.uint8)
    spots[:, 10:13, 30:33] = 255  # its middle is 14.1 pixels from that of the crop
    (copy,) = moved(spots, Augmentation(1, 2.0, 0.1, 8), seed=3)
    places = np.stack(
        [np.average(np.indices((48, 48)), axis=(1, 2), weights=np.broadcast_to(each, (2, 48, 48))) for each in copy]
    )
    distances = np.linalg.norm(places - [11, 31], axis=1)
    assert distances.mean() > 1
    assert distances.max() < 2 * np.sqrt(2) + 14.6 * (0.1 + np.radians(8)) + 0.2
