"""Face tracking: association of detections with tracks, and optical flow between two detections.

Detections are associated with tracks so that the sum of overlaps is largest (the Hungarian method; as in SORT, Bewley
et al., ICIP 2016). Between detections a box is propagated by sparse optical flow (Lucas and Kanade, 1981; Bouguet,
2000), with a forward-backward check (Kalal et al., ICPR 2010).
"""

from __future__ import annotations

import cv2
import numpy as np

MIN_OVERLAP = 0.35  # of boxes scaled by 2, so that a face may move by its own width between two detections
SAME_SCENE = 0.5  # similarity of two frames below which there is a cut between them
SAME_FACE = 0.55  # similarity of two crops below which they are of different people: 9 of 10 pairs of people are
AT_ONCE = 0.12  # seconds: a face that looks different so soon is another one, where the scene is the same, too
_THUMBNAIL = 24  # pixels of a thumbnail's shorter side
_MISSED_FRAMES = 2.5  # frames that a track outlives at any frame rate
_GRID = 7  # points per side of the grid that is tracked in a box
_MAX_ERROR = 1.5  # pixels: forward-backward error up to which a point is valid
_MIN_VALID = 0.4  # share of valid points from which a propagated box is reliable
_WINDOW = (15, 15)  # pixels: the optical flow's window


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) and others (m, 4), left, top, right, bottom: float (n, m), 0-1."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    intersection = np.prod(np.maximum(high - low, 0), axis=2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)[:, None] + np.prod(others[:, 2:] - others[:, :2], axis=1)
    return intersection / np.maximum(areas - intersection, 1e-9)


def associate(tracks: np.ndarray, detections: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (track, detection) of indices into boxes (n, 4) and (m, 4) of the same face; each index at most once."""
    if not len(tracks) or not len(detections):
        return []
    from scipy.optimize import linear_sum_assignment  # heavy, and pictures alone do without

    iou = overlaps(_scaled(tracks, 2), _scaled(detections, 2))
    pairs = zip(*linear_sum_assignment(-iou), strict=True)
    return [(int(track), int(detection)) for track, detection in pairs if iou[track, detection] >= MIN_OVERLAP]


def timeout(shortest: float, interval: float) -> float:
    """Seconds without a detection after which a track ends: at least ``shortest``.

    interval: seconds between two frames; at a low frame rate every track would end before the next one.
    """
    return max(shortest, _MISSED_FRAMES * interval)


def thumbnail(rgb: np.ndarray) -> np.ndarray:
    """A small grey picture uint8 of a frame, uint8 RGB (h, w, 3): its green channel, sampled on a grid."""
    step = max(1, min(rgb.shape[:2]) // _THUMBNAIL)
    return np.ascontiguousarray(rgb[::step, ::step, 1])


def similarity(picture: np.ndarray, other: np.ndarray) -> float:
    """The correlation, -1 to 1, of two grey pictures; pictures of different sizes are compared at the first's.

    Two pictures without contrast are the same; one with and one without are not similar.
    """
    if picture.shape != other.shape:
        other = cv2.resize(other, picture.shape[::-1], interpolation=cv2.INTER_AREA)
    centred, centred_other = (values - values.mean() for values in (picture.astype(float), other.astype(float)))
    norm, norm_other = np.linalg.norm(centred), np.linalg.norm(centred_other)
    if norm == 0 or norm_other == 0:
        return float(norm == norm_other)
    return float((centred * centred_other).sum() / (norm * norm_other))


def moved(points: np.ndarray, box: np.ndarray, new_box: np.ndarray) -> np.ndarray:
    """Points (n, 2) of a box (4,), moved and scaled as the box was."""
    scale = (new_box[2:] - new_box[:2]) / np.maximum(box[2:] - box[:2], 1e-9)
    return (points - box[:2]) * scale + new_box[:2]


def _scaled(boxes: np.ndarray, factor: float) -> np.ndarray:
    """Boxes (n, 4) scaled about their own centres: float (n, 4)."""
    margin = (boxes[:, 2:] - boxes[:, :2]) * (factor - 1) / 2
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)


def propagate(previous: np.ndarray, current: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Propagate boxes float (n, 4) from one grey frame, uint8 (h, w), to the next by optical flow.

    Returns boxes (n, 4), and bool (n,), whether each is reliable; an unreliable box is returned unchanged.
    """
    if not len(boxes):
        return boxes, np.zeros(0, dtype=bool)
    steps = np.linspace(0.15, 0.85, _GRID)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    start = boxes[:, None, :2] + grid * (boxes[:, None, 2:] - boxes[:, None, :2])  # (n, points, 2)
    points = start.reshape(-1, 1, 2).astype(np.float32)
    forward, tracked, _ = cv2.calcOpticalFlowPyrLK(previous, current, points, np.empty(0), winSize=_WINDOW, maxLevel=2)
    backward, found_back, _ = cv2.calcOpticalFlowPyrLK(
        current, previous, forward, np.empty(0), winSize=_WINDOW, maxLevel=2
    )
    error = np.linalg.norm(backward - points, axis=2).reshape(len(boxes), -1)
    valid = (error < _MAX_ERROR) & (tracked.reshape(error.shape) == 1) & (found_back.reshape(error.shape) == 1)
    end = forward.reshape(start.shape).astype(float)
    result, reliable = boxes.astype(float).copy(), valid.mean(axis=1) >= _MIN_VALID
    for index in np.flatnonzero(reliable):
        result[index] = _transformed(boxes[index].astype(float), start[index, valid[index]], end[index, valid[index]])
    return result, reliable


def _transformed(box: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """A box (4,) moved and scaled as its points moved from start to end (k, 2).

    The translation is the median displacement; the scale is the median ratio of the distances to the median point.
    """
    centre = np.median(end - start, axis=0) + (box[:2] + box[2:]) / 2
    distances = [np.linalg.norm(points - np.median(points, axis=0), axis=1) for points in (start, end)]
    usable = distances[0] > 1  # a ratio of shorter distances would be noise
    scale = np.clip(np.median(distances[1][usable] / distances[0][usable]), 0.9, 1.1) if usable.any() else 1.0
    half = (box[2:] - box[:2]) / 2 * scale
    return np.concatenate([centre - half, centre + half])
