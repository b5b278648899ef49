"""Histograms of oriented gradients (HOG) of an aligned face, on a grid and around landmarks.

Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005. Around landmarks they are SIFT
descriptors (Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004).

All descriptors share one set of orientation maps, which are derivatives along directions without their negative parts,
as in DAISY (Tola et al., "DAISY: an efficient dense descriptor applied to wide-baseline stereo", PAMI 2010), to a
power, so that each is narrow. Mirroring a face permutes the values, which does not hold for OpenCV's HOGDescriptor,
whose window is half a pixel off centre.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from facial_emotion.features.landmarks import INNER, MIRROR

ORIENTATIONS = 8  # bins over the full circle; bin 0 is a gradient to the right

SMALLEST_CELL = 4  # pixels, around points
_DIAGONAL = np.sqrt(np.float32(0.5))
_DIRECTIONS = np.array(  # x and y of the orientations; exact, so that mirrored faces have exactly mirrored maps
    [
        [1, _DIAGONAL, 0, -_DIAGONAL, -1, -_DIAGONAL, 0, _DIAGONAL],
        [0, _DIAGONAL, 1, _DIAGONAL, 0, -_DIAGONAL, -1, -_DIAGONAL],
    ],
    dtype=np.float32,
)
_MIRROR = (ORIENTATIONS // 2 - np.arange(ORIENTATIONS)) % ORIENTATIONS  # a direction at angle a becomes pi - a
_SQUARINGS = 3  # of the cosine: its eighth power is half of 1 at half of the angle between two orientations
_FLAT = 1e-3  # added to a gradient's length, which may be 0
_CLIP = 0.2  # largest value of a bin of a normalised descriptor (Lowe 2004, section 6.1)
_FLOOR = 20.0  # added to a descriptor's length, in grey levels, so that noise in flat regions is not amplified
_SMALL_PRODUCT = 2**18  # multiplications that OpenBLAS does on one thread
_QUANTUM = 512  # quantisation steps per unit of a descriptor


def orientation_maps(face: np.ndarray) -> np.ndarray:
    """Gradient magnitude split over the orientations: grey uint8 (h, w) -> float32 (h, w, 8).

    The share of an orientation is the eighth power of the cosine of its angle to the gradient, 0 from 90 degrees on.
    """
    across = cv2.Sobel(face, cv2.CV_32F, 1, 0, ksize=1, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(face, cv2.CV_32F, 0, 1, ksize=1, borderType=cv2.BORDER_REPLICATE)
    length = np.sqrt(across * across + down * down) + _FLAT  # cv2.magnitude may round the same values in two ways
    root = length
    for _ in range(_SQUARINGS):
        root = np.sqrt(root)
    scale = root / length
    along: np.ndarray = cv2.merge([across * scale, down * scale]).reshape(-1, 2) @ _DIRECTIONS
    np.maximum(along, 0, out=along)
    for _ in range(_SQUARINGS):
        along *= along
    return along.reshape(*face.shape, ORIENTATIONS)


def grid_points(side: int, step: int) -> np.ndarray:
    """Grid points with spacing ``step`` inside a square of ``side`` pixels: float32 (k * k, 2), x and y."""
    edges = _grid_edges(side, step)
    return np.stack(np.meshgrid(edges, edges), axis=-1).reshape(-1, 2)


def histograms(maps: np.ndarray, points: np.ndarray, cell: float, cells: int) -> np.ndarray:
    """Histograms around points, which ``normalise`` makes descriptors.

    maps: float32 (side, side, 8) from ``orientation_maps``; points: (k, 2) x and y in pixels; cell: side of a cell in
    pixels, at least 4, as they are sampled at half size; cells: number of cells along each axis, centred on the point.
    Returns float32 (k, cells * cells * 8), by row, column and orientation.
    """
    half = cv2.resize(maps, (maps.shape[1] // 2, maps.shape[0] // 2), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(half, (0, 0), cell / 4, borderType=cv2.BORDER_REFLECT)
    pattern = _pattern(cell, cells)
    x, y = np.add((points.T / 2)[:, :, None], pattern, dtype=np.float64).astype(np.float32)
    sampled = cv2.remap(smooth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled.reshape(len(points), -1) * np.float32(cell)


@cache
def _pattern(cell: float, cells: int) -> np.ndarray:
    """The cells' x and y (2, 1, cells * cells), from half a point, in pixels of the half size."""
    offsets = (np.arange(cells) - (cells - 1) / 2) * cell
    return (np.stack(np.meshgrid(offsets, offsets)).reshape(2, 1, -1) - 0.5) / 2


def grid_histograms(maps: np.ndarray, cell: float, cells: int, step: int) -> np.ndarray:
    """Histograms at ``grid_points``: as ``histograms``, at full size, by matrix products for blur and sampling.

    maps: float32 (side, side, m), any number of maps. Returns float32 (k * k, cells * cells * m).
    """
    side, _, count = maps.shape
    sampler = _grid_sampler(side, cell, cells, step)  # (k * cells, side)
    # In parts, that are too small for threads: those of a matrix library get in the way of what runs next.
    parts = 1 << (sampler.size * side * count // _SMALL_PRODUCT).bit_length()  # a power of 2 divides the columns
    columns = maps.reshape(side, parts, -1).swapaxes(0, 1)
    rows = np.matmul(sampler, columns).swapaxes(0, 1).reshape(-1, side, count)
    points = len(sampler) // cells
    sampled = np.matmul(sampler, rows).reshape(points, cells, points, cells, count).transpose(0, 2, 1, 3, 4)
    return sampled.reshape(points * points, -1) * np.float32(cell)


def _grid_edges(side: int, step: int) -> np.ndarray:
    """The coordinates of the grid points along one axis: float32 (k,)."""
    return np.arange(1, side // step, dtype=np.float32) * step - 0.5


@cache
def _grid_sampler(side: int, cell: float, cells: int, step: int) -> np.ndarray:
    """The matrix float32 (k * cells, side) of Gaussian blur and linear sampling along one axis."""
    positions = np.clip(
        (_grid_edges(side, step)[:, None] + (np.arange(cells) - (cells - 1) / 2) * cell).ravel(), 0, side - 1
    )
    before = np.minimum(positions.astype(np.int64), side - 2)
    share = (positions - before).astype(np.float32)[:, None]
    impulses = np.eye(side, dtype=np.float32)
    smoother = cv2.GaussianBlur(impulses, (1, 0), sigmaX=0, sigmaY=cell / 2, borderType=cv2.BORDER_REFLECT)
    return smoother[before] * (1 - share) + smoother[before + 1] * share


def quantise(descriptors: np.ndarray) -> np.ndarray:
    """Quantise descriptors of any shape to whole numbers, 0-255."""
    return np.minimum(np.rint(descriptors * _QUANTUM), 255)


def grid_mirror(steps: int, cells: int) -> np.ndarray:
    """The permutation by which mirroring changes descriptors on a grid of ``steps`` x ``steps`` points: int64 (d,)."""
    index = np.arange(steps * steps * cells * cells * ORIENTATIONS)
    index = index.reshape(steps, steps, cells, cells, ORIENTATIONS)
    return index[:, ::-1, :, ::-1, _MIRROR].ravel()


def landmark_mirror(cells: int) -> np.ndarray:
    """The permutation by which mirroring changes descriptors at the inner landmarks, as in ``grid_mirror``."""
    points = MIRROR[INNER] - INNER.start
    index = np.arange(len(points) * cells * cells * ORIENTATIONS).reshape(len(points), cells, cells, ORIENTATIONS)
    return index[points][:, :, ::-1, _MIRROR].ravel()


def normalise(histograms: np.ndarray) -> np.ndarray:
    """HOG descriptors of histograms (n, d), by L2-Hys: to unit length, clipped, to unit length.

    Those of nearly flat regions are shorter.
    """
    clipped = np.minimum(histograms / (_lengths(histograms) + _FLOOR), _CLIP)
    return clipped / (_lengths(clipped) + 1e-2)


def _lengths(rows: np.ndarray) -> np.ndarray:
    """The Euclidean lengths (n, 1) of rows (n, d)."""
    return np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
