"""Kernel regression with a mirror-invariant Gaussian kernel.

k(x, z) = (exp(-g |x - z|²) + exp(-g |x' - z|²)) / 2, x' the mirrored x: training on all faces and
their mirror images, and averaging the two at prediction, at the cost of one (Haasdonk and Burkhardt,
"Invariant kernel functions for pattern analysis and machine learning", Machine Learning 2007).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_BLOCK = 3584  # rows and columns of a block of the kernel matrix

Components = tuple[np.ndarray, np.ndarray]  # even (n, a) and odd (n, b), float32


def kernel(left: Components, right: Components, gamma: float) -> np.ndarray:
    """Kernel matrix, float32 (n, m), between two sets of n and m vectors."""
    lengths = _squared_lengths(left)[:, None] + _squared_lengths(right)[None]
    lengths -= 2 * (left[0] @ right[0].T)
    odd_product = 2 * (left[1] @ right[1].T)
    same, mirrored = lengths - odd_product, lengths + odd_product
    for distance in (same, mirrored):
        distance *= -gamma
        np.exp(distance, out=distance)
    same += mirrored
    same *= 0.5
    return same


def solve(
    rows: Components, targets: np.ndarray, gamma: float, ridge: np.ndarray, step: Callable[[], object]
) -> tuple[np.ndarray, np.ndarray]:
    """Solve (K + diag(ridge)) weights = targets for the weights (n, k); K is the kernel matrix of the rows.

    Also returns the leave-one-out answers (n, k): what the weights of a fit without a row would say of that row
    (Cawley and Talbot, "Fast exact leave-one-out cross-validation of sparse least-squares support vector machines",
    Neural Networks 2004).
    Blocked Cholesky factorisation in single precision, with one n x n matrix in memory: 3.3 GB for FER2013's Training.
    ``step`` is called ``steps(n)`` times, to report progress.
    """
    count = len(targets)
    matrix = np.empty((count, count), dtype=np.float32)
    for start, stop in _blocks(count):
        part = rows[0][start:stop], rows[1][start:stop]
        matrix[start:stop] = kernel(part, rows, gamma)
        step()
    matrix[np.diag_indices(count)] += ridge
    _factorise(matrix, step)
    weights = _substitute(matrix, targets.astype(np.float32))
    return weights, targets - weights / _inverse_diagonal(matrix, step)[:, None]


def steps(count: int) -> int:
    """Number of times that ``solve`` calls ``step`` for ``count`` rows."""
    return 3 * len(_blocks(count))


def _blocks(count: int) -> list[tuple[int, int]]:
    """Start and stop row of each block."""
    return [(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]


def _squared_lengths(components: Components) -> np.ndarray:
    """Squared Euclidean norms (n,)."""
    return (components[0] ** 2).sum(axis=1) + (components[1] ** 2).sum(axis=1)


def _factorise(matrix: np.ndarray, step: Callable[[], object]) -> None:
    """Replace a matrix by its lower Cholesky factor. A single LAPACK call fails on float32 matrices of this size."""
    from scipy.linalg import solve_triangular

    blocks = _blocks(len(matrix))
    for number, (start, stop) in enumerate(blocks):
        corner = matrix[start:stop, start:stop] = np.linalg.cholesky(matrix[start:stop, start:stop])
        below = matrix[stop:, start:stop]
        below[:] = solve_triangular(corner, below.T, lower=True, check_finite=False).T
        for first, last in blocks[number + 1 :]:
            matrix[first:, first:last] -= matrix[first:, start:stop] @ matrix[first:last, start:stop].T
        step()


def _substitute(factor: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Solve (L Lᵀ) x = targets for x, by forward and back substitution with the lower factor L."""
    from scipy.linalg import solve_triangular

    solution = targets.copy()
    for start, stop in _blocks(len(factor)):
        solution[start:stop] -= factor[start:stop, :start] @ solution[:start]
        solution[start:stop] = solve_triangular(factor[start:stop, start:stop], solution[start:stop], lower=True)
    for start, stop in reversed(_blocks(len(factor))):
        solution[start:stop] -= factor[stop:, start:stop].T @ solution[stop:]
        solution[start:stop] = solve_triangular(
            factor[start:stop, start:stop], solution[start:stop], lower=True, trans="T"
        )
    return solution


def _inverse_diagonal(factor: np.ndarray, step: Callable[[], object]) -> np.ndarray:
    """The diagonal float32 (n,) of the inverse of L Lᵀ: the squared lengths of the columns of L's inverse."""
    from scipy.linalg import solve_triangular

    diagonal = np.empty(len(factor), dtype=np.float32)
    blocks = _blocks(len(factor))
    for number, (start, stop) in enumerate(blocks):
        columns = np.zeros((len(factor) - start, stop - start), dtype=np.float32)  # rows from start on; above are zeros
        columns[: stop - start] = np.eye(stop - start)
        for first, last in blocks[number:]:
            above, rows = columns[: first - start], slice(first - start, last - start)
            columns[rows] -= factor[first:last, start:first] @ above
            columns[rows] = solve_triangular(factor[first:last, first:last], columns[rows], lower=True)
        diagonal[start:stop] = np.square(columns).sum(axis=0)
        step()
    return diagonal
