"""Augmented crops: in form, repeatable, and the crop itself where nothing is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.deep import augment

NOTHING = {"rotation": 0, "scale": 0, "shift": 0, "brightness": 0, "contrast": 0, "erasing": 0, "mixup": 0}
MUCH = {"rotation": 40, "scale": 0.4, "shift": 0.3, "brightness": 90, "contrast": 0.9, "erasing": 1, "mixup": 0.4}
TARGETS = np.eye(7, dtype=np.float32)[np.arange(12) % 7]


def made(amount: dict, side: int, seed: int, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return augment.batch(crops[:12], TARGETS, amount, side, np.random.default_rng(seed))


@given(
    side=st.sampled_from([32, 40, 48]),
    seed=st.integers(0, 2**32),
    shares=st.fixed_dictionaries({key: st.floats(0, 1) for key in MUCH}),
)
def test_what_comes_is_in_form_and_comes_again(side: int, seed: int, shares: dict) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (12, 48, 48)).astype(np.uint8)
    amount = {key: MUCH[key] * share for key, share in shares.items()}
    grey, targets = made(amount, side, seed, crops)
    assert (grey.shape, grey.dtype, targets.dtype) == ((12, side, side, 1), np.float32, np.float32)
    assert grey.min() >= 0
    assert grey.max() <= 255
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-5)
    for one, other in zip((grey, targets), made(amount, side, seed, crops), strict=True):
        np.testing.assert_array_equal(one, other)


def test_where_nothing_is_asked_for_crops_are_only_mirrored(crops: np.ndarray) -> None:
    grey, targets = made(NOTHING, 48, 0, crops)
    turned = [not np.array_equal(one[..., 0], crop) for one, crop in zip(grey, crops[:12], strict=True)]
    assert 0 < sum(turned) < 12
    for one, crop, mirrored in zip(grey, crops[:12], turned, strict=True):
        np.testing.assert_allclose(one[..., 0], crop[:, ::-1] if mirrored else crop, atol=1e-3)
    np.testing.assert_array_equal(targets, TARGETS)


@pytest.mark.parametrize("kind", [key for key in NOTHING if key != "mixup"])
def test_each_kind_changes_crops_and_no_targets(kind: str, crops: np.ndarray) -> None:
    grey, targets = made({**NOTHING, kind: MUCH[kind]}, 48, 0, crops)
    plain, _ = made(NOTHING, 48, 0, crops)
    assert np.abs(grey - plain).max() > 10
    np.testing.assert_array_equal(targets, TARGETS)


def test_mixup_blends_crops_as_it_blends_targets(crops: np.ndarray) -> None:
    flat = np.repeat(np.arange(12, dtype=np.uint8) * 20, 48 * 48).reshape(12, 48, 48)
    labels = np.arange(12)
    targets = np.zeros((12, 12), dtype=np.float32)
    targets[labels, labels] = 1
    grey, mixed = augment.batch(flat, targets, {**NOTHING, "mixup": 1.0}, 48, np.random.default_rng(0))
    np.testing.assert_allclose(grey[:, 0, 0, 0], mixed @ (labels * 20), rtol=1e-5)
    assert (mixed.max(axis=1) >= 0.5).all()
    assert (mixed.max(axis=1) < 1).any()


def test_a_smaller_face_is_the_same_face(crops: np.ndarray) -> None:
    small = augment.resize(crops[:5], 32)
    assert small.shape == (5, 32, 32, 1)
    np.testing.assert_allclose(small.mean(axis=(1, 2, 3)), crops[:5].mean(axis=(1, 2)), atol=1.5)
    np.testing.assert_array_equal(augment.resize(crops[:5], 48)[..., 0], crops[:5])
