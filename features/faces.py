"""Face detection, and cropping of faces with the alignment and scale of FER2013.

The detector is dlib's: a linear SVM on HOG, five views of the face (Dalal and Triggs, CVPR 2005;
King, "Max-margin object detection", 2015, https://arxiv.org/abs/1502.00046).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    import dlib

CROP_SIDE = 48
THRESHOLD = 0.3  # detector score; at 0 there is a false positive on the embedded portrait
MIN_FACE = 80  # pixels; the smallest face that dlib's detector finds without enlarging the picture
_MAX_SIDE = 1280  # larger pictures are shrunk to this before the search

# Detectors that are not in use. A detector has a scratch buffer, so threads can't share one, and takes a quarter of a
# second to create, so they are reused.
_idle: list[dlib.fhog_object_detector] = []


def find_faces(rgb: np.ndarray, threshold: float = THRESHOLD, min_face: int = MIN_FACE) -> np.ndarray:
    """Boxes of the frontal faces in a picture, from left to right.

    rgb: uint8 (h, w, 3). min_face: side in pixels of the smallest face to detect, 20 or more; smaller values take
    longer. Pictures with a side over 1280 pixels are scaled down to that first. Returns int64 (n, 4): left, top, right,
    bottom, with right and bottom exclusive; a box may extend beyond the picture. No face: (0, 4).
    """
    _check_rgb(rgb)
    if min_face < 20:
        raise InputError("min_face", "20 or more pixels", str(min_face))
    height, width = rgb.shape[:2]
    scale = min(MIN_FACE / min_face, _MAX_SIDE / max(height, width))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if scale != 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    with detector() as dlib_detector:
        rectangles, _, _ = dlib_detector.run(grey, 0, threshold)
    boxes = [(face.left(), face.top(), face.right() + 1, face.bottom() + 1) for face in rectangles]
    if not boxes:
        return np.zeros((0, 4), dtype=np.int64)
    scaled = np.rint(np.array(sorted(boxes)) / scale)
    result: np.ndarray = scaled.astype(np.int64)
    return result


def crop_faces(rgb: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Crops of the faces in a picture, with the alignment and scale of FER2013: grey uint8, (n, 48, 48).

    rgb: uint8 (h, w, 3); boxes: (n, 4) from ``find_faces``. Beyond the picture, its edge pixels are replicated.
    """
    _check_rgb(rgb)
    boxes = np.asarray(boxes)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InputError("boxes", "shape (n, 4): left, top, right, bottom", f"shape {boxes.shape}")
    crops = np.empty((len(boxes), CROP_SIDE, CROP_SIDE), dtype=np.uint8)
    for index, box in enumerate(boxes):
        crops[index] = _crop(rgb, *crop_square(box))
    return crops


def crop_square(box: np.ndarray) -> tuple[int, int, int]:
    """Left, top and side, in pixels, of the square region that is the crop for a box."""
    left, top, right, bottom = (int(edge) for edge in box)
    if right <= left or bottom <= top:
        raise InputError("box", "left < right and top < bottom", f"{left}, {top}, {right}, {bottom}")
    position = _crop_calibration()["box_in_crop"]  # of the box in the crop, in crop widths
    side = (right - left + bottom - top) / 2 / position["side"]
    return round(left - position["left"] * side), round(top - position["top"] * side), max(1, round(side))


def _crop(rgb: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """The square region as a grey crop uint8 (48, 48). Only the part inside the picture is converted to grey."""
    height, width = rgb.shape[:2]
    x0, y0 = np.clip([left, top], 0, [width - 1, height - 1])
    x1, y1 = np.clip([left + side, top + side], [x0 + 1, y0 + 1], [width, height])
    grey = cv2.cvtColor(rgb[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY)
    columns = np.clip(np.arange(left, left + side), x0, x1 - 1) - x0
    rows = np.clip(np.arange(top, top + side), y0, y1 - 1) - y0
    square = grey[np.ix_(rows, columns)]
    interpolation = cv2.INTER_AREA if side > CROP_SIDE else cv2.INTER_CUBIC
    return cv2.resize(square, (CROP_SIDE, CROP_SIDE), interpolation=interpolation)


def _check_rgb(rgb: np.ndarray) -> None:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        found = f"{rgb.dtype}, shape {rgb.shape}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise InputError("picture", "uint8 RGB, shape (h, w, 3)", found, "make it with features.pictures.read_rgb")


@cache
def _crop_calibration() -> dict[str, Any]:
    """The content of crop_calibration.json, which ``facial-emotion train crop-calibration`` measures."""
    result: dict[str, Any] = json.loads((Path(__file__).parent / "crop_calibration.json").read_text())
    return result


@contextmanager
def detector() -> Iterator[dlib.fhog_object_detector]:
    """dlib's frontal face detector, for exclusive use within the context."""
    import dlib

    try:
        dlib_detector = _idle.pop()
    except IndexError:
        dlib_detector = dlib.get_frontal_face_detector()
    try:
        yield dlib_detector
    finally:
        _idle.append(dlib_detector)
