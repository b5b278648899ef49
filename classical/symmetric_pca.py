"""Principal component analysis that respects mirror symmetry.

A feature vector is the sum of a symmetric (even) part, which is the same for the mirrored face, and an antisymmetric
(odd) part, whose sign changes. Principal components are computed for each part of each block of features. Mirroring a
face negates its odd components and leaves the even ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SymmetricParts:
    """The even and odd part of a block of features: (x[columns] ± sign * x[mirror_columns]) * scale.

    columns: one column of each pair that mirroring swaps; mirror_columns: the other one, the same where mirroring keeps
    the column; scale makes the split orthonormal.
    """

    columns: np.ndarray  # int64 (h,)
    mirror_columns: np.ndarray  # int64 (h,)
    sign: np.ndarray  # float32 (h,)
    scale: np.ndarray  # float32 (h,)

    def split(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, d) -> even and odd part, float32 (n, h) each."""
        values = features[:, self.columns].astype(np.float32)
        mirrored = features[:, self.mirror_columns].astype(np.float32) * self.sign
        return (values + mirrored) * self.scale, (values - mirrored) * self.scale


@dataclass(frozen=True)
class SymmetricPca:
    """Principal components of the two parts of one block: (even - mean) @ even_basis and odd @ odd_basis."""

    parts: SymmetricParts
    mean: np.ndarray  # float32 (h,)
    even_basis: np.ndarray  # float32 (h, a)
    odd_basis: np.ndarray  # float32 (h, b)

    def __call__(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, d) -> even (n, a) and odd (n, b) components."""
        even, odd = self.parts.split(features)
        return (even - self.mean) @ self.even_basis, odd @ self.odd_basis


def symmetric_parts(start: int, stop: int, mirror: tuple[np.ndarray, np.ndarray]) -> SymmetricParts:
    """The split of a block: columns start (inclusive) to stop (exclusive), which mirroring maps onto themselves.

    mirror: index int64 (d,) and sign float32 (d,), such that a mirrored face has the features sign * x[index].
    """
    index, sign = mirror
    block = np.arange(start, stop)
    columns = block[block <= index[start:stop]]
    mirror_columns = index[columns]
    scale = np.where(columns == mirror_columns, 0.5, np.sqrt(0.5)).astype(np.float32)
    return SymmetricParts(columns, mirror_columns, sign[columns].astype(np.float32), scale)


def fit_symmetric_pca(
    features: np.ndarray, parts: SymmetricParts, components: Sequence[int], weight: float, seed: int
) -> SymmetricPca:
    """Fit the first components (even, odd) of a block, scaled to a mean squared length of ``weight``.

    features: (n, d) of Training.
    """
    from sklearn.utils.extmath import randomized_svd

    even, odd = parts.split(features)
    mean = even.mean(axis=0)
    even -= mean
    scale = np.sqrt(weight / ((even**2).sum(axis=1).mean() + (odd**2).sum(axis=1).mean()))
    bases = []
    for part, count in zip((even, odd), components, strict=True):
        _, _, basis = randomized_svd(part, min(count, part.shape[1]), n_iter=4, random_state=seed)
        bases.append((basis.T * scale).astype(np.float32))
    return SymmetricPca(parts, mean, bases[0], bases[1])
