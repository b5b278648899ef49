"""Face detection: a picture in, boxes, scores and five points of each face out.

DETECTORS lists the detectors; each has a module of its own with a ``detect`` function.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from facial_emotion import limits
from facial_emotion.errors import InputError
from facial_emotion.features.pixels import check_size


class Detector(NamedTuple):
    """A detector: the module with its ``detect``, its default threshold, and the range of thresholds that make sense.

    The range is from most faces, some of them wrong, to the surest faces only. min_face: the height in pixels of the
    smallest face that is looked for where nothing is asked.
    """

    module: str
    threshold: float
    most: float
    surest: float
    min_face: float


DETECTORS = {
    "centerface": Detector("facial_emotion.features.centerface", 0.4, 0.25, 0.65, 24),
    # Scores of a support vector machine; at 0 there is a false positive on the embedded portrait. It was trained on
    # faces of 80 pixels, and takes four times as long to look for faces of half the size.
    "dlib": Detector("facial_emotion.features.frontal", 0.3, -0.3, 0.9, 80),
}
DEFAULT = "centerface"
SEEN = 17.4  # pixels: the smallest face, as CenterFace's network sees it, that it finds reliably
SMALLEST = 10  # pixels: faces below this have no expression to see
VIDEO_MIN_FACE = 40  # pixels in a frame of 640x480
_POINTS = 5  # the eyes, the tip of the nose and the corners of the mouth, from the picture's left to its right


class Search(NamedTuple):
    """How faces are looked for: the arguments of ``find_faces``."""

    detector: str = DEFAULT
    threshold: float | None = None
    min_face: float | None = None


DEFAULT_SEARCH = Search()


@dataclass(frozen=True)
class Faces:
    """Detected faces, from left to right, in pixels of the picture as given.

    boxes: int64 (n, 4), left, top, right, bottom, with right and bottom exclusive; a box may extend beyond the picture.
    scores: float32 (n,), the detector's own. points: float32 (n, 5, 2), x and y of the eyes, the tip of the nose and
    the corners of the mouth; the first eye and corner are those further left on an upright face. detector: a key of
    DETECTORS.
    """

    boxes: np.ndarray
    scores: np.ndarray
    points: np.ndarray
    detector: str = DEFAULT

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, indices: slice | np.ndarray) -> Faces:
        """Some of the faces."""
        return Faces(self.boxes[indices], self.scores[indices], self.points[indices], self.detector)

    @classmethod
    def none(cls) -> Faces:
        """No face."""
        return cls(np.zeros((0, 4), np.int64), np.zeros(0, np.float32), np.zeros((0, _POINTS, 2), np.float32))


def find_faces(
    rgb: np.ndarray, detector: str = DEFAULT, threshold: float | None = None, min_face: float | None = None
) -> Faces:
    """Detect the faces of a picture, uint8 RGB (h, w, 3).

    detector: a key of DETECTORS; threshold: the score that a face must reach, by default the detector's; min_face: the
    height in pixels of the smallest face to be found, by default ``default_min_face``. Smaller values take longer, and
    below ``smallest_allowed`` too long. Raises InputError.
    """
    check_rgb(rgb)
    if detector not in DETECTORS:
        raise InputError("detector", f"one of {', '.join(DETECTORS)}", repr(detector))
    if min_face is not None and not min_face >= SMALLEST:
        raise InputError("min_face", f"{SMALLEST} or more pixels", str(min_face))
    chosen = DETECTORS[detector]
    least = chosen.threshold if threshold is None else threshold
    size = max(chosen.min_face, default_min_face(rgb.shape[1], rgb.shape[0])) if min_face is None else min_face
    allowed = smallest_allowed(rgb)
    if size < allowed:
        found = f"{size:g} in one of {rgb.shape[1]} x {rgb.shape[0]}"
        raise InputError("min_face", f"{allowed} or more pixels in so large a picture", found)
    faces: Faces = importlib.import_module(chosen.module).detect(rgb, least, size)
    order = np.lexsort((faces.boxes[:, 1], faces.boxes[:, 0]))
    return replace(faces.take(order), detector=detector)


def smallest_allowed(rgb: np.ndarray) -> int:
    """The height of the smallest face that may be looked for in a picture (h, w, 3): smaller ones take too long."""
    return max(SMALLEST, math.ceil(SEEN * math.sqrt(rgb.shape[0] * rgb.shape[1] / limits.SEARCHED)))


def as_allowed(search: Search, rgb: np.ndarray) -> Search:
    """A search with the smallest face that may be looked for in a picture, where it asks for smaller ones."""
    return search if search.min_face is None else search._replace(min_face=max(search.min_face, smallest_allowed(rgb)))


def default_min_face(width: int, height: int) -> float:
    """The smallest face to look for in a still picture: 3 % of its longer side, but at least 24 pixels.

    In panoramas it is a tenth of the shorter side, where that is less.
    """
    return max(24.0, min(0.03 * max(width, height), 0.1 * min(width, height)))


def in_video(search: Search, rgb: np.ndarray) -> Search:
    """A search with the default of video as its smallest face, where it has none.

    rgb: a frame (h, w, 3); 40 pixels in one of 640x480, in proportion in others, and not below the detector's default.
    """
    if search.min_face is not None:
        return as_allowed(search, rgb)
    least = DETECTORS[search.detector].min_face if search.detector in DETECTORS else SMALLEST
    return search._replace(min_face=max(least, VIDEO_MIN_FACE * max(rgb.shape[:2]) / 640))


def check_rgb(rgb: np.ndarray) -> None:
    """Raise InputError unless ``rgb`` is a picture: uint8 (h, w, 3)."""
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        found = f"{rgb.dtype}, shape {rgb.shape}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise InputError("picture", "uint8 RGB, shape (h, w, 3)", found, "make it with features.pictures.read_rgb")
    check_size("picture", rgb.shape[1], rgb.shape[0])
