"""Invariance of the geometric features to translation, scale and rotation, and their permutation by mirroring."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.features.geometry import MIRROR_INDEX, MIRROR_SIGN, NAMES, geometry, upright
from facial_emotion.features.landmarks import MIRROR, mean_face

seeds = st.integers(0, 10_000)


def face(seed: int) -> np.ndarray:
    """The mean face with its points moved a little: (1, 68, 2)."""
    return mean_face()[None] + np.random.default_rng(seed).normal(0, 1.5, (1, 68, 2))


@given(
    seed=seeds,
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    scale=st.floats(0.2, 20),
    turn=st.floats(-3.1, 3.1),
)
def test_features_are_invariant_to_shift_scale_and_rotation(
    seed: int, shift: tuple[float, float], scale: float, turn: float
) -> None:
    points = face(seed)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = scale * points @ rotation.T + np.array(shift)
    np.testing.assert_allclose(geometry(moved), geometry(points), atol=2e-3)


@given(seed=seeds)
def test_mirroring_swaps_the_sides(seed: int) -> None:
    points = face(seed)
    mirrored = points[:, MIRROR] * [-1, 1]
    np.testing.assert_allclose(geometry(mirrored), MIRROR_SIGN * geometry(points)[:, MIRROR_INDEX], atol=1e-4)


def test_mirroring_twice_is_the_identity() -> None:
    assert np.array_equal(MIRROR_INDEX[MIRROR_INDEX], np.arange(len(NAMES)))
    assert np.array_equal(MIRROR_SIGN * MIRROR_SIGN[MIRROR_INDEX], np.ones(len(NAMES)))
    assert len(set(NAMES)) == len(NAMES)


def test_components_change_as_their_names_imply() -> None:
    calm = mean_face()[None]
    apart = np.linalg.norm(calm[0, 42:48].mean(axis=0) - calm[0, 36:42].mean(axis=0))

    def change(points: list[int], down: float, name: str) -> float:
        moved = calm.copy()
        moved[0, points, 1] += down
        return float((geometry(moved) - geometry(calm))[0, NAMES.index(name)] * apart)

    assert np.isclose(change([57, 66], 3, "mouth height"), 3, atol=0.01)
    assert np.isclose(change([48], -2, "left mouth corner lift"), 2, atol=0.01)
    assert np.isclose(change([48], -2, "right mouth corner lift"), 0, atol=0.01)
    assert np.isclose(change([19], -2, "left brow height, middle"), 2, atol=0.01)
    assert change([21], 2, "left brow slope") < 0
    assert change([65, 66, 67], 2, "lip opening area") > 0


def test_features_of_a_degenerate_face_are_finite() -> None:
    assert np.isfinite(geometry(np.zeros((2, 68, 2)))).all()
    assert upright(np.ones((1, 68, 2))).tolist() == np.zeros((1, 68, 2)).tolist()
