"""Local binary patterns (LBP) of an aligned face, on a grid: its texture, whatever the light.

Ojala, Pietikäinen and Mäenpää, "Multiresolution gray-scale and rotation invariant texture classification with local
binary patterns", PAMI 2002; of faces: Ahonen, Hadid and Pietikäinen, "Face description with local binary patterns",
PAMI 2006. A pixel's pattern says which of its eight neighbours are at least as bright. Patterns that change at most
twice around the pixel ("uniform" ones) count one by one, all others as one.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from facial_emotion.features import hog

_NEIGHBOURS = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))  # x and y, at 0, 45, ... degrees
TILE = 4  # pixels along each axis that are counted together, before the counts are smoothed and sampled
_QUANTUM = 255  # quantisation steps of the root of a share


@cache
def _labels() -> np.ndarray:
    """The label of each of the 256 patterns, uint8 (256,): 0 to 57 of uniform ones, 58 of all others."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    labels = np.full(256, uniform.sum(), dtype=np.uint8)
    labels[uniform] = np.arange(uniform.sum())
    return labels


PATTERNS = int(_labels().max()) + 1


def patterns(face: np.ndarray, radius: int) -> np.ndarray:
    """The label of every pixel's pattern: grey uint8 (h, w) -> uint8 (h, w), below PATTERNS.

    radius: how many pixels away the neighbours are, along x, y or both.
    """
    height, width = face.shape
    padded = cv2.copyMakeBorder(face, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    codes = np.zeros(face.shape, dtype=np.uint8)
    for x, y in reversed(_NEIGHBOURS):  # the first one is the lowest bit
        top, left = radius * (1 + y), radius * (1 + x)
        codes += codes
        codes |= (padded[top : top + height, left : left + width] >= face).view(np.uint8)
    return _labels().take(codes)


def describe_grid(face: np.ndarray, radius: int, cell: float, step: int) -> np.ndarray:
    """Descriptors at ``hog.grid_points``: the roots of the shares that the patterns have around a point.

    face: grey uint8 (side, side); cell: as of ``hog.grid_histograms``, how far pixels count; side, step and cell:
    multiples of TILE. The Euclidean distance of roots is the Hellinger distance of the histograms.
    Returns whole numbers 0-255, float32 (k * k, 59).
    """
    side = len(face) // TILE
    bins = patterns(face, radius) + _tiles(side)
    counts = np.bincount(bins.ravel(), minlength=side * side * PATTERNS).reshape(side, side, PATTERNS)
    sums = hog.grid_histograms(counts.astype(np.float32), cell / TILE, 1, step // TILE)
    return np.rint(np.sqrt(sums * np.float32(1 / (TILE * cell))) * _QUANTUM)


@cache
def _tiles(side: int) -> np.ndarray:
    """The first bin of the tile that each pixel is in: int64 (4 side, 4 side)."""
    tile = np.arange(side * TILE) // TILE
    return (tile[:, None] * side + tile) * PATTERNS


def grid_mirror(steps: int) -> np.ndarray:
    """The permutation by which mirroring changes descriptors on a grid of ``steps`` x ``steps`` points: int64 (d,)."""
    index = np.arange(steps * steps * PATTERNS).reshape(steps, steps, PATTERNS)
    return index[:, ::-1, _mirrored_labels()].ravel()


def _mirrored_labels() -> np.ndarray:
    """The label of each label's mirrored pattern: int64 (PATTERNS,)."""
    codes = np.arange(256)  # mirroring maps a direction at angle a to pi - a
    mirrored = sum(((codes >> bit) & 1) << ((4 - bit) % 8) for bit in range(8))
    labels = np.empty(PATTERNS, dtype=np.int64)
    labels[_labels()] = _labels()[mirrored]
    return labels
