"""dlib's detector of frontal faces: a linear SVM on HOG, five views of the face.

Dalal and Triggs, CVPR 2005; King, "Max-margin object detection", 2015, https://arxiv.org/abs/1502.00046
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np

from facial_emotion.features.crops import points_of_box
from facial_emotion.features.faces import Faces

if TYPE_CHECKING:
    import dlib

_TRAINED_SIZE = 80  # pixels: the smallest face that it finds without enlarging the picture
_MAX_SIDE = 2560  # pixels: larger pictures are shrunk to this before the search

# Detectors that are not in use. A detector has a scratch buffer, so threads can't share one, and takes a quarter of a
# second to create, so they are reused.
_idle: list[dlib.fhog_object_detector] = []


def detect(rgb: np.ndarray, threshold: float, min_face: float) -> Faces:
    """Detect frontal faces; arguments and result as in ``faces.find_faces``, in any order.

    The five points are where they are on average in a box.
    """
    height, width = rgb.shape[:2]
    scale = min(_TRAINED_SIZE / min_face, _MAX_SIDE / max(height, width))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if scale != 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    with detector() as dlib_detector:
        rectangles, scores, _ = dlib_detector.run(grey, 0, threshold)
    if not rectangles:
        return Faces.none()
    edges = [(face.left(), face.top(), face.right() + 1, face.bottom() + 1) for face in rectangles]
    boxes = np.rint(np.array(edges) / scale).astype(np.int64)
    return Faces(boxes, np.array(scores, np.float32), points_of_box(boxes))


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
