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
    """How a block is split into its even and odd part: (x[first] ± sign * x[second]) * share."""

    first: np.ndarray  # int64 (h,)
    second: np.ndarray
    sign: np.ndarray  # float32 (h,)
    share: np.ndarray

    def split(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, d) -> even and odd part, float32 (n, h) each."""
        here = features[:, self.first].astype(np.float32)
        there = features[:, self.second].astype(np.float32) * self.sign
        return (here + there) * self.share, (here - there) * self.share


@dataclass(frozen=True)
class SymmetricPca:
    """Principal components of the two parts of one block: (even - mean) @ even basis, odd @ odd basis."""

    parts: SymmetricParts
    mean: np.ndarray  # float32 (h,)
    even: np.ndarray  # float32 (h, a)
    odd: np.ndarray  # float32 (h, b)

    def __call__(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, d) -> even (n, a) and odd (n, b) components."""
        even, odd = self.parts.split(features)
        return (even - self.mean) @ self.even, odd @ self.odd


def symmetric_parts(start: int, stop: int, mirror: tuple[np.ndarray, np.ndarray]) -> SymmetricParts:
    """The split of the columns from start to stop, which mirroring maps onto one another."""
    index, sign = mirror
    columns = np.arange(start, stop)
    partner = index[start:stop]
    first = columns[columns <= partner]
    second = index[first]
    share = np.where(first == second, 0.5, np.sqrt(0.5)).astype(np.float32)
    return SymmetricParts(first, second, sign[first].astype(np.float32), share)


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
    for part, wanted in zip((even, odd), components, strict=True):
        kept = min(wanted, part.shape[1])
        _, _, basis = randomized_svd(part, kept, n_iter=4, random_state=seed)
        bases.append((basis.T * scale).astype(np.float32))
    return SymmetricPca(parts, mean, bases[0], bases[1])
