"""Crops of detected faces, framed as FER2013 frames its faces.

Place and size of a crop come from the face's box: crop_calibration.json says where a detector's boxes are, on average,
in FER2013's crops, and how that depends on the shape that the five points of CenterFace have in the box. The points
also say how far the face is tilted; what is more than a natural tilt is turned back.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.faces import Faces, check_rgb
from facial_emotion.records import Json

CROP_SIDE = 48
# Degrees of tilt that a face keeps, because many of FER2013's faces have as much. Measured on PublicTest's crops that
# were found again in larger pictures: models are as good as without turning, and better than with all faces upright.
NATURAL_TILT = 20.0
SHAPE_LIMIT = 3.0  # standard deviations of what the shapes of faces change in Training: no crop is changed more
MAX_OVERSAMPLING = 8  # of a crop that is warped; larger faces are shrunk first


def check_crops(crops: np.ndarray) -> None:
    """Raise InputError unless ``crops`` is a batch of crops: uint8 (n, 48, 48)."""
    if not isinstance(crops, np.ndarray) or crops.dtype != np.uint8 or crops.ndim != 3 or crops.shape[1:] != (48, 48):
        found = f"{crops.dtype}, shape {crops.shape}" if isinstance(crops, np.ndarray) else type(crops).__name__
        raise InputError("crops", "a uint8 array, shape (n, 48, 48)", found, "make them with features.crops.crop_faces")


def crop_faces(rgb: np.ndarray, faces: Faces) -> np.ndarray:
    """Crops of the faces of a picture, uint8 RGB (h, w, 3): grey uint8 (n, 48, 48).

    Beyond the picture, its edge pixels are replicated. Raises InputError.
    """
    return cut_crops(rgb, crop_transforms(faces))


def cut_crops(rgb: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """The crops that transforms (n, 2, 3), as of ``crop_transforms``, cut from a picture: as ``crop_faces``."""
    check_rgb(rgb)
    crops = np.empty((len(transforms), CROP_SIDE, CROP_SIDE), dtype=np.uint8)
    for index, matrix in enumerate(transforms):
        crops[index] = _warp(rgb, matrix)
    return crops


def crop_transforms(faces: Faces) -> np.ndarray:
    """Similarity transforms, float64 (n, 2, 3), from pixels of a picture to those of the crops.

    A pixel's coordinates are those of its centre. Raises InputError for boxes without extent.
    """
    boxes, points = np.asarray(faces.boxes, dtype=np.float64), np.asarray(faces.points, dtype=np.float64)
    if boxes.shape != (len(boxes), 4) or points.shape != (len(boxes), 5, 2):
        raise InputError("faces", "boxes (n, 4) and points (n, 5, 2)", f"{boxes.shape} and {points.shape}")
    extent = boxes[:, 2:] - boxes[:, :2]
    if not (np.isfinite(points).all() and np.isfinite(boxes).all() and (extent > 0).all()):
        raise InputError("faces", "finite boxes with left < right and top < bottom", f"{boxes.tolist()}")
    centres, sizes = centres_and_sizes(boxes)
    tilt = tilts(points)
    angle = -np.sign(tilt) * np.maximum(np.abs(tilt) - np.radians(NATURAL_TILT), 0)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cosine, -sine], axis=1), np.stack([sine, cosine], axis=1)], axis=1)
    sizes_in_crop, offsets = _places(shapes(points, centres, sizes, turn), faces.detector)
    linear = turn * (CROP_SIDE * sizes_in_crop / sizes)[:, None, None]
    target = CROP_SIDE * (0.5 + offsets) - 0.5
    shift = target - (linear @ centres[..., None])[..., 0]
    return np.concatenate([linear, shift[..., None]], axis=2)


def centres_and_sizes(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 2) of boxes (n, 4), in coordinates of pixels' centres; geometric means (n,) of width and height."""
    return (boxes[:, :2] + boxes[:, 2:] - 1) / 2, np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def shapes(points: np.ndarray, centres: np.ndarray, sizes: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """How five points (n, 5, 2) lie in boxes with these centres and sizes, by which crops are framed: float64 (n, 10).

    x and y of the points from the box's centre, in units of its size, after the rotations ``turn`` (n or 1, 2, 2).
    """
    turned = (points - centres[:, None]) @ turn.transpose(0, 2, 1) / sizes[:, None, None]
    return turned.reshape(len(points), 10)


def _places(shape: np.ndarray, detector: str) -> tuple[np.ndarray, np.ndarray]:
    """Sizes (n,) of boxes in their crops, and their centres (n, 2) from the crops' centres, both in crop widths."""
    place, mean_shape, weights, limit = _placement(detector)
    values = place + np.clip((shape - mean_shape) @ weights, -limit, limit)
    return np.exp(values[:, 0]), values[:, 1:]


@cache
def _placement(detector: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where a detector's boxes are, (3,): logarithm of the size, x, y; and how far a shape may change that.

    The mean shape (10,), the weights (10, 3) of what differs from it, and the most (3,) that they change.
    """
    box = _crop_calibration()["box_in_crop"][detector]
    place = np.array([np.log(box["side"]), *(box[edge] + box["side"] / 2 - 0.5 for edge in ("left", "top"))])
    if "by_shape" not in box:
        return place, np.zeros(10), np.zeros((10, 3)), np.zeros(3)
    mean, weights, deviation = (np.array(box["by_shape"][name]) for name in ("mean", "weights", "deviation"))
    return place, mean, weights, SHAPE_LIMIT * deviation


def tilts(points: np.ndarray) -> np.ndarray:
    """How far faces are turned clockwise in the picture's plane, in radians: five points (n, 5, 2) -> float64 (n,).

    By least squares over the points: Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", PAMI 1991.
    """
    centred = points - points.mean(axis=1, keepdims=True)
    upright = points_in_crop() - points_in_crop().mean(axis=0)
    cosine = (centred * upright).sum(axis=(1, 2))
    sine = (centred[..., 1] * upright[:, 0] - centred[..., 0] * upright[:, 1]).sum(axis=1)
    return np.arctan2(sine, cosine)


def points_of_box(boxes: np.ndarray) -> np.ndarray:
    """Where the five points of upright faces are, on average, in dlib's boxes (n, 4): float32 (n, 5, 2), in pixels."""
    place = _crop_calibration()["box_in_crop"]["dlib"]
    boxes = np.asarray(boxes, dtype=np.float64)
    side = (boxes[:, 2:] - boxes[:, :2]).mean(axis=1, keepdims=True) / place["side"]  # of the crop, in pixels
    corner = boxes[:, :2] - side * (place["left"], place["top"])
    points: np.ndarray = corner[:, None] + (points_in_crop() + 0.5) / CROP_SIDE * side[:, None] - 0.5
    return points.astype(np.float32)


@cache
def points_in_crop() -> np.ndarray:
    """The mean places of the five points in FER2013's crops, float64 (5, 2), in crop pixels."""
    return np.array(_crop_calibration()["points_in_crop"])


@cache
def _crop_calibration() -> Json:
    """The content of crop_calibration.json, which ``python -m workshop crop-calibration`` measures."""
    return json.loads((Path(__file__).parent / "crop_calibration.json").read_text())


def _warp(rgb: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The crop uint8 (48, 48) that a transform (2, 3) cuts from a picture; every source pixel counts as much.

    The crop is warped at a multiple of its size and averaged down, because warping alone skips pixels of large faces.
    Only the part of the picture that the crop needs is converted.
    """
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[-1, -1], [CROP_SIDE, -1], [-1, CROP_SIDE], [CROP_SIDE, CROP_SIDE]]) @ inverse[:, :2].T
    corners = corners + inverse[:, 2]
    limits = np.array([rgb.shape[1], rgb.shape[0]])
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 2, 0, limits - 1)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 3, low + 1, limits)
    grey = cv2.cvtColor(rgb[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY)
    matrix = matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ low
    shrink = 1 / np.hypot(*matrix[:, 0]) / MAX_OVERSAMPLING  # pixels of the picture for each of the warped crop
    if shrink > 1:
        size = [max(1, round(side / shrink)) for side in grey.shape[::-1]]
        ratio = np.array(grey.shape[::-1]) / size
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        matrix[:, 2] += matrix[:, :2] @ ((ratio - 1) / 2)
        matrix[:, :2] *= ratio
    factor = int(np.clip(np.ceil(1 / np.hypot(*matrix[:, 0])), 1, MAX_OVERSAMPLING))
    matrix *= factor
    matrix[:, 2] += (factor - 1) / 2
    side = CROP_SIDE * factor
    interpolation = cv2.INTER_CUBIC if factor == 1 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(grey, matrix, (side, side), flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
    return warped if factor == 1 else cv2.resize(warped, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_AREA)
