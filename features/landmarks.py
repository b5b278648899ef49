"""Landmark detection (68 points) and alignment of a crop to the mean face by a similarity transform.

The points are those of iBUG 300-W (Sagonas et al. 2016). The predictor is an ensemble of regression trees of dlib's
(Kazemi and Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014), which
``python -m workshop landmarks`` distilled on FER2013's Training from MediaPipe's face mesh (Kartynnik et al.,
"Real-time facial surface geometry from monocular video on mobile GPUs", 2019), which is under Apache 2.0.

A point is (x, y) with x to the right and y down; (0, 0) is the centre of the first pixel.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.crops import check_crops

POINTS = 68
INNER = slice(17, 68)  # brows, nose, eyes and mouth: all but the jaw line, which is predicted least accurately
ALIGNED_SIDE = 64  # pixels of an aligned face

PREDICTOR = Path(__file__).parent / "landmarks.dat"
UPSAMPLE = 4  # enlargement of a crop for the predictor, which samples pixels at integer positions
RECTANGLE = (2, 6, 46, 50)  # the face's rectangle in a crop: left, top, right, bottom, in crop pixels

_NO_NUMBERS = str.maketrans("", "", "points[]()")

# Index int64 (68,): the points of a mirrored face, with x mirrored, are points[MIRROR].
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


def find_landmarks(crops: np.ndarray) -> np.ndarray:
    """Landmark points of crops: uint8 (n, 48, 48) -> float32 (n, 68, 2), in crop pixels."""
    check_crops(crops)
    loaded = _load()
    points = np.empty((len(crops), POINTS, 2), dtype=np.float32)
    for index, crop in enumerate(crops):
        points[index] = to_crop_pixels(predict(loaded, enlarge(crop), RECTANGLE))
    return points


@cache
def fingerprint() -> str:
    """SHA-256, in hexadecimal, of what models that take landmarks depend on: the predictor, and the mean face."""
    digest = hashlib.sha256(predictor_file().read_bytes())
    digest.update(mean_face().tobytes())
    return digest.hexdigest()


def enlarge(crop: np.ndarray) -> np.ndarray:
    """A crop (48, 48), enlarged for the predictor: uint8 (192, 192)."""
    side = crop.shape[0] * UPSAMPLE
    return cv2.resize(np.ascontiguousarray(crop), (side, side), interpolation=cv2.INTER_CUBIC)


def predict(predictor: Any, large: np.ndarray, rectangle: Sequence[int]) -> np.ndarray:
    """Landmarks float32 (68, 2), in pixels of an enlarged crop. rectangle: of the face, in crop pixels."""
    import dlib

    shape = predictor(large, dlib.rectangle(*(UPSAMPLE * edge for edge in rectangle)))
    # "points[(22, 54), ...]": reading the text takes a fifth of the time of 136 attributes
    numbers = str(shape.parts()).translate(_NO_NUMBERS).split(",")
    return np.array(numbers, dtype=np.float32).reshape(POINTS, 2)


def to_crop_pixels(points: np.ndarray) -> np.ndarray:
    """Convert points from pixels of an enlarged crop to crop pixels."""
    return (points + 0.5) / UPSAMPLE - 0.5


def transforms(points: np.ndarray) -> np.ndarray:
    """Similarity transforms from landmarks to the mean face, by least squares over the inner points.

    points: (n, 68, 2) in crop pixels. Returns float64 (n, 2, 3), crop pixels -> pixels of the
    aligned face. (Umeyama, "Least-squares estimation of transformation parameters between two
    point patterns", PAMI 1991.)
    """
    inner, (target, target_centre) = as_complex(points)[:, INNER], _target()
    centre = np.add.reduce(inner, axis=1) / inner.shape[1]  # what mean() gives, in less time
    centred = inner - centre[:, None]
    spread = np.maximum(np.add.reduce(np.square(centred.view(np.float64)), axis=1), 1e-9)
    factor = (centred.conj() @ target) / spread  # as a complex number, a rotation with its scale is one factor
    columns = np.empty((len(points), 3), dtype=np.complex128)  # where x, y and the origin go
    columns[:, 0], columns[:, 1], columns[:, 2] = factor, factor * 1j, target_centre - factor * centre
    return columns.view(np.float64).reshape(-1, 3, 2).swapaxes(1, 2)


@cache
def _target() -> tuple[np.ndarray, complex]:
    """The inner points of the mean face around their centre, and the centre, as complex numbers."""
    inner = as_complex(mean_face()[INNER])
    return inner - inner.mean(), complex(inner.mean())


def as_complex(points: np.ndarray) -> np.ndarray:
    """Points (..., 2) as complex numbers (...): x is real, y imaginary."""
    return np.ascontiguousarray(points, dtype=np.float64).view(np.complex128)[..., 0]


def align(crops: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Align crops to the mean face: faces uint8 (n, 64, 64), and their landmarks float32 (n, 68, 2) in pixels."""
    faces = np.empty((len(crops), ALIGNED_SIDE, ALIGNED_SIDE), dtype=np.uint8)
    matrices = transforms(points)
    for crop, matrix, face in zip(crops, matrices, faces, strict=True):
        cv2.warpAffine(crop, matrix, face.shape, dst=face, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    aligned = points @ matrices[:, :, :2].swapaxes(1, 2) + matrices[:, None, :, 2]
    return faces, aligned.astype(np.float32)


@cache
def mean_face() -> np.ndarray:
    """The landmarks of the mean face, mirror-symmetric, in pixels of an aligned face: float64 (68, 2).

    ``python -m workshop crop-calibration`` measures them on FER2013's Training.
    """
    return np.array(json.loads((Path(__file__).parent / "crop_calibration.json").read_text())["mean_face"])


def predictor_file() -> Path:
    """The file of the predictor. Raises InputError where it is missing."""
    if not PREDICTOR.exists():
        raise InputError(PREDICTOR, "the landmark predictor", "no such file", "install the package again")
    return PREDICTOR


@cache
def _load() -> Any:
    import dlib

    return dlib.shape_predictor(str(predictor_file()))
