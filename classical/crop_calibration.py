"""Crop calibration: how FER2013 frames a face (the mean face, and the place of dlib's box in a crop), measured.

Writes features/crop_calibration.json, which every aligned face and every live crop follows. Trained models
belong to the framing that they were trained with.

    facial-emotion train crop-calibration --data fer2013.csv.xz
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from facial_emotion.features.faces import detector
from facial_emotion.features.geometry import upright
from facial_emotion.features.landmarks import ALIGNED_SIDE, INNER, MIRROR, find_landmarks

OUT = Path(__file__).parent.parent / "features" / "crop_calibration.json"
EYES_APART = 0.42  # distance between the eyes in an aligned face, in face widths: brows to chin fit in
SAMPLE = 3000
_SCALES = (2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0)  # the detector's scales are coarse: average over several


def mean_face(points: np.ndarray) -> np.ndarray:
    """The mirror-symmetric mean of faces (n, 68, 2), upright in an aligned face's pixels: float64 (68, 2).

    The median of the faces after each is laid, by its eyes, on the others.
    """
    mean = np.median(upright(points), axis=0).astype(np.float64)
    mirrored = mean[MIRROR] * [-1, 1]
    mean = (mean + mirrored) / 2
    mean -= [0, mean[INNER, 1].mean()]
    result: np.ndarray = mean * EYES_APART * ALIGNED_SIDE + [(ALIGNED_SIDE - 1) / 2, ALIGNED_SIDE / 2]
    return result


def box_in_crop(crops: np.ndarray) -> dict[str, float]:
    """Median place of dlib's box in FER2013 crops (n, 48, 48), in crop widths: left, top, side, and share found."""
    boxes = []
    for crop in crops:
        for scale in _SCALES:
            box = _best_box(crop, scale)
            if box is not None:
                left, top, right, bottom = box
                boxes.append((left, top, (right - left + bottom - top) / 2))
    left, top, side = np.mean(boxes, axis=0) / crops.shape[1]
    share = len(boxes) / (len(crops) * len(_SCALES))
    return {"left": round(left, 4), "top": round(top, 4), "side": round(side, 4), "found": round(share, 3)}


def _best_box(crop: np.ndarray, scale: float) -> np.ndarray | None:
    """The surest box in a crop, in crop pixels: left, top, right, bottom."""
    edge = crop.shape[0] // 3
    wide = cv2.copyMakeBorder(crop, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    large = cv2.resize(wide, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    with detector() as lent:
        boxes, scores, _ = lent.run(large, 0, 0.0)
    if not len(boxes):
        return None
    box = boxes[int(np.argmax(scores))]
    result: np.ndarray | None = np.array([box.left(), box.top(), box.right() + 1, box.bottom() + 1]) / scale - edge
    return result


def measure(training: np.ndarray, out: Path | None = None) -> str:
    """Measure the framing of Training's crops (n, 48, 48) and write it to a JSON file; a line about it."""
    rows = np.random.default_rng(0).choice(len(training), min(SAMPLE, len(training)), replace=False)
    sample = training[rows]
    points = find_landmarks(sample)
    centres = points[:, INNER].mean(axis=1)
    framing = {
        "box_in_crop": box_in_crop(sample[: SAMPLE // 3]),
        "mean_face": np.round(mean_face(points), 3).tolist(),
        "eyes_apart_in_crop": round(float(np.median(_eyes_apart(points))) / training.shape[1], 4),
        "inner_centre_in_crop": np.round(np.median(centres, axis=0) / training.shape[1], 4).tolist(),
    }
    path = out or OUT
    path.write_text(json.dumps(framing) + "\n")
    return f"{path}: {json.dumps({name: value for name, value in framing.items() if name != 'mean_face'})}"


def _eyes_apart(points: np.ndarray) -> np.ndarray:
    """Distance between the eyes' centres (n,), in the points' units."""
    result: np.ndarray = np.linalg.norm(points[:, 42:48].mean(axis=1) - points[:, 36:42].mean(axis=1), axis=1)
    return result
