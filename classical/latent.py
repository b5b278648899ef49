"""Few numbers that say most of a feature vector, split by what a mirror does to them.

Seen together with its mirror image, every feature vector is the sum of an even part, which a mirror
keeps, and an odd part, whose sign it turns. Principal components of the two parts, taken for
each block of features, give an even and an odd latent vector: mirroring a face negates the odd one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Halves:
    """Which columns of a block make its even and odd part: part = (x[first] ± sign * x[second]) * share."""

    first: np.ndarray  # int64 (h,)
    second: np.ndarray
    sign: np.ndarray  # float32 (h,)
    share: np.ndarray

    def even_odd(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, d) -> even and odd part, float32 (n, h) each."""
        here = features[:, self.first].astype(np.float32)
        there = features[:, self.second].astype(np.float32) * self.sign
        return (here + there) * self.share, (here - there) * self.share


@dataclass(frozen=True)
class Projection:
    """Principal components of one block: latent = (part - mean) @ components; the odd part has mean 0."""

    halves: Halves
    mean: np.ndarray  # float32 (h,)
    even: np.ndarray  # float32 (h, a)
    odd: np.ndarray  # float32 (h, b)

    def __call__(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, d) -> even (n, a) and odd (n, b) latent vectors."""
        even, odd = self.halves.even_odd(features)
        return (even - self.mean) @ self.even, odd @ self.odd


def halves(start: int, stop: int, mirror: tuple[np.ndarray, np.ndarray]) -> Halves:
    """The halves of the columns start to stop, which a mirror maps among themselves."""
    index, sign = mirror
    columns = np.arange(start, stop)
    partner = index[start:stop]
    first = columns[columns <= partner]
    second = index[first]
    share = np.where(first == second, 0.5, np.sqrt(0.5)).astype(np.float32)
    return Halves(first, second, sign[first].astype(np.float32), share)


def fit_projection(
    features: np.ndarray, half: Halves, components: Sequence[int], weight: float, seed: int
) -> Projection:
    """The first components (even, odd) of a block, scaled so that its mean squared length is ``weight``.

    features: (n, d) of Training.
    """
    from sklearn.utils.extmath import randomized_svd

    even, odd = half.even_odd(features)
    mean = even.mean(axis=0)
    even -= mean
    scale = np.sqrt(weight / ((even**2).sum(axis=1).mean() + (odd**2).sum(axis=1).mean()))
    bases = []
    for part, wanted in zip((even, odd), components, strict=True):
        kept = min(wanted, part.shape[1])
        _, _, basis = randomized_svd(part, kept, n_iter=4, random_state=seed)
        bases.append((basis.T * scale).astype(np.float32))
    return Projection(half, mean, bases[0], bases[1])
