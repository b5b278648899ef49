"""Crop calibration: measures the mean face of FER2013, and where detectors see a face in its crops.

By features/crop_calibration.json faces are aligned and new crops are cut. A trained model is valid only for the
calibration that it was trained with.

    python -m workshop crop-calibration --data fer2013.csv.xz --out features/crop_calibration.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facial_emotion.features import centerface
from facial_emotion.features.crops import NATURAL_TILT, centres_and_sizes, shapes, tilts
from facial_emotion.features.frontal import detector
from facial_emotion.features.geometry import upright
from facial_emotion.features.landmarks import ALIGNED_SIDE, INNER, MIRROR, find_landmarks

INTEROCULAR_DISTANCE = 0.42  # in an aligned face, as a share of its side, so that brows and chin are inside
SAMPLE = 3000
_ENLARGEMENT, _SMALLEST_FACE, _LOWEST_SCORE = 4.5, 0.4, 0.35  # of crops for CenterFace; its search, in crop sides
_RIDGE = 5.0  # penalty on the weights of a face's shape
_SCALES = (2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0)  # dlib's scale steps are coarse, so several are averaged


def mean_face(points: np.ndarray) -> np.ndarray:
    """The mean face of landmarks (n, 68, 2), mirror-symmetric, in pixels of an aligned face: float64 (68, 2).

    It is the median of the points after alignment by the eye centres.
    """
    mean = np.median(upright(points), axis=0).astype(np.float64)
    mirrored = mean[MIRROR] * [-1, 1]
    mean = (mean + mirrored) / 2
    mean -= [0, mean[INNER, 1].mean()]
    return mean * INTEROCULAR_DISTANCE * ALIGNED_SIDE + [(ALIGNED_SIDE - 1) / 2, ALIGNED_SIDE / 2]


def box_in_crop(crops: np.ndarray) -> dict[str, float]:
    """Mean position of dlib's box in crops (n, 48, 48), in crop widths: left, top and side; and the detection rate."""
    boxes = []
    for crop in crops:
        for scale in _SCALES:
            box = _best_box(crop, scale)
            if box is not None:
                left, top, right, bottom = box
                boxes.append((left, top, (right - left + bottom - top) / 2))
    left, top, side = np.mean(boxes, axis=0) / crops.shape[1]
    rate = len(boxes) / (len(crops) * len(_SCALES))
    return {"left": round(left, 4), "top": round(top, 4), "side": round(side, 4), "detection_rate": round(rate, 3)}


def _best_box(crop: np.ndarray, scale: float) -> np.ndarray | None:
    """The highest-scoring box in a crop enlarged by ``scale``, in crop pixels: left, top, right, bottom."""
    border = crop.shape[0] // 3
    padded = cv2.copyMakeBorder(crop, border, border, border, border, cv2.BORDER_REPLICATE)
    enlarged = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    with detector() as dlib_detector:
        boxes, scores, _ = dlib_detector.run(enlarged, 0, 0.0)
    if not len(boxes):
        return None
    box = boxes[int(np.argmax(scores))]
    return np.array([box.left(), box.top(), box.right() + 1, box.bottom() + 1]) / scale - border


def centerface_in_crop(crops: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """Mean position of CenterFace's box in crops (n, 48, 48), as of ``box_in_crop``, and of its five points (5, 2).

    The position has how it depends on the face's shape, too. The points are in crop pixels. They are not quite
    symmetric, because the network is not.
    """
    side = crops.shape[1]
    border = side // 2
    points, boxes = [], []
    for crop in crops:
        grey = float(crop.mean())
        padded = cv2.copyMakeBorder(crop, border, border, border, border, cv2.BORDER_CONSTANT, value=grey)
        enlarged = cv2.resize(padded, None, fx=_ENLARGEMENT, fy=_ENLARGEMENT, interpolation=cv2.INTER_CUBIC)
        picture = np.repeat(enlarged[..., None], 3, axis=2)
        faces = centerface.detect(picture, _LOWEST_SCORE, _SMALLEST_FACE * _ENLARGEMENT * side)
        if len(faces):
            best = int(faces.scores.argmax())
            box = faces.boxes[best] / _ENLARGEMENT - border
            points.append((faces.points[best] + 0.5) / _ENLARGEMENT - 0.5 - border)
            boxes.append(box)
    found, five_points = np.array(boxes), np.array(points)
    upright_ones = np.abs(tilts(five_points)) < np.radians(NATURAL_TILT)  # the others' crops will be turned
    found, five_points = found[upright_ones], five_points[upright_ones]
    centres, sizes = centres_and_sizes(found)
    places = np.column_stack([np.log(sizes / side), (centres + 0.5) / side])
    log_side, x, y = places.mean(axis=0)
    mean_side = float(np.exp(log_side))
    left, top = x - mean_side / 2, y - mean_side / 2
    place = {"left": left, "top": top, "side": mean_side, "detection_rate": len(points) / len(crops)}
    rounded: dict[str, Any] = {name: round(float(value), 4) for name, value in place.items()}
    rounded["by_shape"] = _by_shape(shapes(five_points, centres, sizes, np.eye(2)[None]), places)
    return rounded, five_points.mean(axis=0)


def _by_shape(shape: np.ndarray, places: np.ndarray) -> dict[str, list[Any]]:
    """How places (n, 3) depend on ``shapes`` (n, 10), by ridge regression.

    The mean shape, the weights (10, 3) of what differs from it, and the deviation (3,) of what that changes.
    """
    from sklearn.linear_model import Ridge

    mean, scale = shape.mean(axis=0), shape.std(axis=0)
    weights = Ridge(alpha=_RIDGE).fit((shape - mean) / scale, places).coef_.T / scale[:, None]
    deviation = ((shape - mean) @ weights).std(axis=0)
    return {
        name: np.round(values, 5).tolist()
        for name, values in (("mean", mean), ("weights", weights), ("deviation", deviation))
    }


def measure(training: np.ndarray, out: Path) -> str:
    """Measure the calibration on Training's crops (n, 48, 48) and write it to a JSON file; a line that reports it."""
    rows = np.random.default_rng(0).choice(len(training), min(SAMPLE, len(training)), replace=False)
    sample = training[rows]
    points = find_landmarks(sample)
    centres = points[:, INNER].mean(axis=1)
    place, five_points = centerface_in_crop(sample)
    calibration = {
        "box_in_crop": {"dlib": box_in_crop(sample[: SAMPLE // 3]), "centerface": place},
        "points_in_crop": five_points.astype(float).round(2).tolist(),
        "mean_face": np.round(mean_face(points), 3).tolist(),
        "interocular_distance_in_crop": round(float(np.median(_interocular_distance(points))) / training.shape[1], 4),
        "inner_centre_in_crop": np.round(np.median(centres, axis=0) / training.shape[1], 4).tolist(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(calibration) + "\n")
    return f"{out}: {json.dumps({name: value for name, value in calibration.items() if name != 'mean_face'})}"


def _interocular_distance(points: np.ndarray) -> np.ndarray:
    """Distance (n,) between the eye centres of landmarks (n, 68, 2), in the unit of the points."""
    return np.linalg.norm(points[:, 42:48].mean(axis=1) - points[:, 36:42].mean(axis=1), axis=1)
