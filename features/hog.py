"""Histograms of oriented gradients (HOG) of an aligned face, on a grid and around landmarks.

Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005. Around landmarks they are SIFT
descriptors (Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004).

All descriptors of a face share one set of orientation maps. Mirroring a face permutes the values, which does not hold
for OpenCV's HOGDescriptor, whose window is half a pixel off centre.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from facial_emotion.features.landmarks import INNER, MIRROR

ORIENTATIONS = 8  # bins over the full circle; bin 0 is a gradient to the right

_CLIP = 0.2  # largest value of a bin of a normalised descriptor (Lowe 2004, section 6.1)
_FLOOR = 20.0  # added to a descriptor's length, in grey levels, so that noise in flat regions is not amplified
_QUANTUM = 512  # quantisation steps per unit of a descriptor


def orientation_maps(face: np.ndarray) -> np.ndarray:
    """Gradient magnitude split over the orientations: grey uint8 (h, w) -> float32 (h, w, 8)."""
    grey = face.astype(np.float32)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1, borderType=cv2.BORDER_REPLICATE)
    magnitude, angle = cv2.cartToPolar(across, down)
    position = angle * (ORIENTATIONS / (2 * np.pi))
    distance = np.abs(position[..., None] - np.arange(ORIENTATIONS, dtype=np.float32))
    distance = np.minimum(distance, ORIENTATIONS - distance)
    result: np.ndarray = np.maximum(1 - distance, 0) * magnitude[..., None]
    return result


def grid_points(side: int, step: int) -> np.ndarray:
    """Grid points with spacing ``step`` inside a square of ``side`` pixels: float32 (k * k, 2), x and y."""
    edges = _grid_edges(side, step)
    return np.stack(np.meshgrid(edges, edges), axis=-1).reshape(-1, 2)


def describe(maps: np.ndarray, points: np.ndarray, cell: float, cells: int) -> np.ndarray:
    """HOG descriptors around points.

    maps: float32 (h, w, 8) from ``orientation_maps``; points: (k, 2) x and y in pixels; cell: side of
    a cell in pixels; cells: number of cells along each axis, centred on the point.
    Returns float32 (k, cells * cells * 8), by row, column and orientation, each of about unit length.
    """
    smooth = cv2.GaussianBlur(maps, (0, 0), cell / 2, borderType=cv2.BORDER_REFLECT)
    offsets = (np.arange(cells) - (cells - 1) / 2) * cell
    pattern = np.stack(np.meshgrid(offsets, offsets), axis=-1).reshape(1, -1, 2)
    sampled = _sample(smooth, (points[:, None] + pattern).reshape(-1, 2))
    return _normalise(sampled.reshape(len(points), -1) * np.float32(cell))


def describe_grid(maps: np.ndarray, cell: float, cells: int, step: int) -> np.ndarray:
    """HOG descriptors at ``grid_points``: those of ``describe``, but faster, by a matrix product for blur and sampling.

    maps: float32 (side, side, 8). Returns float32 (k * k, cells * cells * 8).
    """
    side = maps.shape[0]
    sampler = _grid_sampler(side, cell, cells, step)  # (k * cells, side)
    rows = sampler @ maps.reshape(side, side * ORIENTATIONS)
    rows = rows.reshape(-1, side, ORIENTATIONS).transpose(1, 0, 2).reshape(side, -1)
    sampled = sampler @ rows  # x by y and orientation
    points = len(sampler) // cells
    sampled = sampled.reshape(points, cells, points, cells, ORIENTATIONS).transpose(2, 0, 3, 1, 4)
    return _normalise(sampled.reshape(points * points, -1) * np.float32(cell))


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
    result: np.ndarray = smoother[before] * (1 - share) + smoother[before + 1] * share
    return result


def quantise(descriptors: np.ndarray) -> np.ndarray:
    """Quantise descriptors of any shape to uint8, 0-255."""
    result: np.ndarray = np.minimum(np.rint(descriptors * _QUANTUM), 255).astype(np.uint8)
    return result


def grid_mirror(steps: int, cells: int) -> np.ndarray:
    """The permutation by which mirroring changes descriptors on a grid of ``steps`` x ``steps`` points: int64 (d,)."""
    index = np.arange(steps * steps * cells * cells * ORIENTATIONS)
    index = index.reshape(steps, steps, cells, cells, ORIENTATIONS)
    return index[:, ::-1, :, ::-1, _MIRRORED_ORIENTATION].ravel()


def landmark_mirror(cells: int) -> np.ndarray:
    """The permutation by which mirroring changes descriptors at the inner landmarks: int64 (d,)."""
    points = MIRROR[INNER] - INNER.start
    index = np.arange(len(points) * cells * cells * ORIENTATIONS).reshape(len(points), cells, cells, ORIENTATIONS)
    result: np.ndarray = index[points][:, :, ::-1, _MIRRORED_ORIENTATION].ravel()
    return result


# Mirroring maps a gradient at angle a to pi - a.
_MIRRORED_ORIENTATION = (ORIENTATIONS // 2 - np.arange(ORIENTATIONS)) % ORIENTATIONS


def _sample(maps: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Bilinear samples of maps (h, w, c) at points (k, 2): float32 (k, c). Points outside take the edge's value."""
    height, width, channels = maps.shape
    x = np.clip(points[:, 0], 0, width - 1).astype(np.float32)
    y = np.clip(points[:, 1], 0, height - 1).astype(np.float32)
    left = np.minimum(x.astype(np.int64), width - 2)
    top = np.minimum(y.astype(np.int64), height - 2)
    right_share, lower_share = (x - left)[:, None], (y - top)[:, None]
    flat = maps.reshape(height * width, channels)
    corner = top * width + left
    upper = flat[corner] * (1 - right_share) + flat[corner + 1] * right_share
    lower = flat[corner + width] * (1 - right_share) + flat[corner + width + 1] * right_share
    result: np.ndarray = upper * (1 - lower_share) + lower * lower_share
    return result


def _normalise(descriptors: np.ndarray) -> np.ndarray:
    """L2-Hys normalisation: to unit length, clipped, to unit length. Descriptors of nearly flat regions are shorter."""
    length = np.linalg.norm(descriptors, axis=1, keepdims=True)
    clipped = np.minimum(descriptors / (length + _FLOOR), _CLIP)
    result: np.ndarray = clipped / (np.linalg.norm(clipped, axis=1, keepdims=True) + np.float32(1e-2))
    return result
