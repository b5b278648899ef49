"""Which face of this frame is which of the frames before, and where a face went between two detections.

Boxes are matched so that the sum of their overlaps is largest (the Hungarian method; as in SORT, Bewley et al., ICIP
2016). Between detections a box moves with the picture under it (Lucas and Kanade, 1981; Bouguet, 2000).
"""

from __future__ import annotations

import cv2
import numpy as np

MIN_OVERLAP = 0.35  # of boxes twice as large: a face may go by its own width from one detection to the next
_GRID = 7  # points a side that a box is followed by
_MAX_ERROR = 1.5  # pixels that a point may be off after it was followed there and back
_WINDOW = (15, 15)  # pixels around a point that are compared


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) and others (m, 4), left, top, right, bottom: float (n, m), 0-1."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)[:, None] + np.prod(others[:, 2:] - others[:, :2], axis=1)
    return both / np.maximum(area - both, 1e-9)


def match(known: np.ndarray, found: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (index in known, index in found) of boxes (n, 4) and (m, 4) that are one face; each index at most once."""
    from scipy.optimize import linear_sum_assignment

    if not len(known) or not len(found):
        return []
    shared = overlaps(_doubled(known), _doubled(found))
    pairs = zip(*linear_sum_assignment(-shared), strict=True)
    return [(int(one), int(other)) for one, other in pairs if shared[one, other] >= MIN_OVERLAP]


def _doubled(boxes: np.ndarray) -> np.ndarray:
    """Boxes float (n, 4) of the same middles, twice as wide and high."""
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, 2:] + half], axis=1)


def moved(before: np.ndarray, after: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where boxes float (n, 4) of one grey frame are in the next: boxes (n, 4), and bool (n,), whether that is sure.

    before, after: uint8 (h, w). A box shifts by the median of its points and grows by the median of their distances.
    """
    if not len(boxes):
        return boxes, np.zeros(0, dtype=bool)
    steps = np.linspace(0.15, 0.85, _GRID)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    start = boxes[:, None, :2] + grid * (boxes[:, None, 2:] - boxes[:, None, :2])  # (n, points, 2)
    flat = start.reshape(-1, 1, 2).astype(np.float32)
    there, seen, _ = cv2.calcOpticalFlowPyrLK(before, after, flat, np.empty(0), winSize=_WINDOW, maxLevel=2)
    back, seen_back, _ = cv2.calcOpticalFlowPyrLK(after, before, there, np.empty(0), winSize=_WINDOW, maxLevel=2)
    error = np.linalg.norm(back - flat, axis=2).reshape(len(boxes), -1)
    good = (error < _MAX_ERROR) & (seen.reshape(error.shape) == 1) & (seen_back.reshape(error.shape) == 1)
    end = there.reshape(start.shape).astype(float)
    result, sure = boxes.astype(float).copy(), good.mean(axis=1) >= 0.4
    for index in np.flatnonzero(sure):
        result[index] = _carried(boxes[index].astype(float), start[index, good[index]], end[index, good[index]])
    return result, sure


def _carried(box: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """A box that goes with its points, start and end (k, 2)."""
    middle = np.median(end - start, axis=0) + (box[:2] + box[2:]) / 2
    spread = [np.linalg.norm(points - np.median(points, axis=0), axis=1) for points in (start, end)]
    far = spread[0] > 1
    growth = np.clip(np.median(spread[1][far] / spread[0][far]), 0.9, 1.1) if far.any() else 1.0
    half = (box[2:] - box[:2]) / 2 * growth
    return np.concatenate([middle - half, middle + half])
