"""Data augmentation: shapes and ranges, reproducibility, and what each kind changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.training import augment
from facial_emotion.training.augment import Augmentation, moved

NONE = Augmentation(rotation=0, scale=0, shift=0, brightness=0, contrast=0, erasing=0, mixup=0)
STRONG = Augmentation(rotation=40, scale=0.4, shift=0.3, brightness=90, contrast=0.9, erasing=1, mixup=0.4)
KINDS = [setting.name for setting in dataclasses.fields(Augmentation)]
TARGETS = np.eye(7, dtype=np.float32)[np.stack([np.arange(12), np.arange(12, 24)], axis=1) % 7]  # of two heads


def augmented(amount: Augmentation, size: int, seed: int, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return augment.augment_batch(crops[:12], TARGETS, amount, size, np.random.default_rng(seed))


@given(
    size=st.sampled_from([32, 40, 48]),
    seed=st.integers(0, 2**32),
    strengths=st.fixed_dictionaries({kind: st.floats(0, 1) for kind in KINDS}),
)
def test_a_batch_has_its_shape_and_range_and_is_reproducible(size: int, seed: int, strengths: dict[str, float]) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (12, 48, 48)).astype(np.uint8)
    amount = Augmentation(**{kind: getattr(STRONG, kind) * strength for kind, strength in strengths.items()})
    grey, targets = augmented(amount, size, seed, crops)
    assert grey.shape == (12, size, size, 1)
    assert grey.dtype == targets.dtype == np.dtype(np.float32)
    assert grey.min() >= 0
    assert grey.max() <= 255
    np.testing.assert_allclose(targets.sum(axis=2), 1, atol=1e-5)
    for first, second in zip((grey, targets), augmented(amount, size, seed, crops), strict=True):
        np.testing.assert_array_equal(first, second)


def test_without_augmentation_crops_are_only_mirrored(crops: np.ndarray) -> None:
    grey, targets = augmented(NONE, 48, 0, crops)
    mirrored = [not np.array_equal(image[..., 0], crop) for image, crop in zip(grey, crops[:12], strict=True)]
    assert 0 < sum(mirrored) < 12
    for image, crop, is_mirrored in zip(grey, crops[:12], mirrored, strict=True):
        np.testing.assert_allclose(image[..., 0], crop[:, ::-1] if is_mirrored else crop, atol=1e-3)
    np.testing.assert_array_equal(targets, TARGETS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mixup"])
def test_each_kind_changes_crops_but_not_targets(kind: str, crops: np.ndarray) -> None:
    grey, targets = augmented(dataclasses.replace(NONE, **{kind: getattr(STRONG, kind)}), 48, 0, crops)
    plain, _ = augmented(NONE, 48, 0, crops)
    assert np.abs(grey - plain).max() > 10
    np.testing.assert_array_equal(targets, TARGETS)


def test_mixup_blends_targets_like_crops() -> None:
    flat = np.repeat(np.arange(12, dtype=np.uint8) * 20, 48 * 48).reshape(12, 48, 48)
    amount = dataclasses.replace(NONE, mixup=1.0)
    grey, mixed = augment.augment_batch(
        flat, np.eye(12, dtype=np.float32)[:, None], amount, 48, np.random.default_rng(0)
    )
    mixed = mixed[:, 0]
    np.testing.assert_allclose(grey[:, 0, 0, 0], mixed @ (np.arange(12) * 20), rtol=1e-5)
    assert (mixed.max(axis=1) >= 0.5).all()
    assert (mixed.max(axis=1) < 1).any()


def test_resizing_keeps_the_mean_grey_level(crops: np.ndarray) -> None:
    small = augment.resize(crops[:5], 32)
    assert small.shape == (5, 32, 32, 1)
    np.testing.assert_allclose(small.mean(axis=(1, 2, 3)), crops[:5].mean(axis=(1, 2)), atol=1.5)
    np.testing.assert_array_equal(augment.resize(crops[:5], 48)[..., 0], crops[:5])


def test_without_amounts_crops_stay_as_they_are(crops: np.ndarray) -> None:
    (copy,) = moved(crops[:20], NONE, 1, seed=0)
    np.testing.assert_array_equal(copy, crops[:20])


def test_copies_differ_and_are_the_same_each_time(crops: np.ndarray) -> None:
    amount = Augmentation(rotation=5, scale=0.05, shift=1.5 / 48)
    first, second = moved(crops[:20], amount, 2, seed=0)
    assert first.dtype == np.uint8
    assert (first != second).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(moved(crops[:20], amount, 2, seed=0)[1], second)


def test_a_spot_moves_by_no_more_than_the_amount() -> None:
    spots = np.zeros((200, 48, 48), dtype=np.uint8)
    spots[:, 10:13, 30:33] = 255  # its middle is 14.1 pixels from that of the crop
    (copy,) = moved(spots, Augmentation(rotation=8, scale=0.1, shift=2 / 48), 1, seed=3)
    places = np.stack(
        [np.average(np.indices((48, 48)), axis=(1, 2), weights=np.broadcast_to(each, (2, 48, 48))) for each in copy]
    )
    distances = np.linalg.norm(places - [11, 31], axis=1)
    assert distances.mean() > 1
    assert distances.max() < 2 * np.sqrt(2) + 14.6 * (0.1 + np.radians(8)) + 0.2
