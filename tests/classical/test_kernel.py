"""The mirror-invariant kernel, its linear system, and the PCA of the even and odd parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facial_emotion.classical import kernel as kernels
from facial_emotion.classical.symmetric_pca import fit_symmetric_pca, symmetric_parts


def vectors(seed: int, rows: int) -> kernels.Components:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 5)).astype(np.float32), rng.normal(size=(rows, 3)).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000))
def test_the_kernel_averages_a_face_and_its_mirror_image(seed: int) -> None:
    left, right = vectors(seed, 4), vectors(seed + 1, 6)
    matrix = kernels.kernel(left, right, gamma=0.2)
    for row in range(4):
        for column in range(6):
            even = ((left[0][row] - right[0][column]) ** 2).sum()
            same, mirrored = (((sign * left[1][row] - right[1][column]) ** 2).sum() for sign in (1, -1))
            expected = (np.exp(-0.2 * (even + same)) + np.exp(-0.2 * (even + mirrored))) / 2
            assert matrix[row, column] == pytest.approx(expected, rel=1e-4)
    of_mirrored = kernels.kernel((left[0], -left[1]), right, gamma=0.2)
    np.testing.assert_allclose(of_mirrored, matrix, rtol=1e-5)


@pytest.mark.parametrize("block", [7, 50, 1000])
def test_the_system_is_solved_with_any_block_size(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_BLOCK", block)
    rows = vectors(0, 200)
    targets = np.random.default_rng(1).normal(size=(200, 7)).astype(np.float32)
    ridge = np.linspace(0.1, 0.5, 200).astype(np.float32)
    calls: list[int] = []
    weights, left_out = kernels.solve(rows, targets, 0.1, ridge, lambda: calls.append(1))
    gram = kernels.kernel(rows, rows, 0.1).astype(np.float64)
    np.testing.assert_allclose(weights, np.linalg.solve(gram + np.diag(ridge), targets), atol=1e-3)
    for row in (0, 60, 199):
        others = np.delete(np.arange(200), row)
        without = np.linalg.solve(gram[np.ix_(others, others)] + np.diag(ridge[others]), targets[others])
        np.testing.assert_allclose(left_out[row], gram[row, others] @ without, atol=2e-3)
    assert len(calls) == kernels.steps(200)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000))
def test_mirroring_keeps_the_even_and_negates_the_odd_part(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index = np.array([1, 0, 2, 5, 4, 3, 7, 6])  # within the block of columns 0 to 8
    sign = np.array([1, 1, 1, -1, -1, -1, 1, 1], dtype=np.float32)
    features = rng.normal(size=(30, 8)).astype(np.float32)
    mirrored = sign * features[:, index]
    parts = symmetric_parts(0, 8, (index, sign))
    even, odd = parts.split(features)
    np.testing.assert_allclose((even**2).sum(axis=1) + (odd**2).sum(axis=1), (features**2).sum(axis=1), rtol=1e-4)
    projection = fit_symmetric_pca(features, parts, (3, 2), weight=1.0, seed=0)
    for part, mirrored_part, factor in zip(projection(features), projection(mirrored), (1, -1), strict=True):
        np.testing.assert_allclose(mirrored_part, factor * part, atol=1e-4)
