"""CenterFace: a small convolutional face detector with five points for each face, served by ONNX Runtime.

Xu et al., "CenterFace: joint face detection and alignment using face as point", Scientific Programming 2020. The
network is that of https://github.com/Star-Clouds/CenterFace (MIT), trained on WIDER FACE, which was gathered for
research; ``python -m workshop detector`` made centerface.onnx from it, and centerface.json says how.
"""

from __future__ import annotations

import hashlib
import threading
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from facial_emotion import limits
from facial_emotion.errors import InputError
from facial_emotion.features.faces import SEEN, Faces
from facial_emotion.records import read_json
from facial_emotion.threads import onnx_session, thread_limit

if TYPE_CHECKING:
    import onnxruntime

MODEL = Path(__file__).parent / "centerface.onnx"
CARD = MODEL.with_suffix(".json")
STRIDE = 4  # pixels of the network's input for each cell of its outputs
MULTIPLE = 32  # the sides of its input
_WHOLE = 1280 * 1280  # pixels: larger inputs are searched in tiles
_TILE, _OVERLAP = 1024, 192  # pixels; a face of up to the overlap lies whole in a tile, larger ones in coarser levels
MAX_ENLARGEMENT = 2.0
_LINEAR_SCALE = 0.43  # just below video's: from here on linear interpolation, which is fast, sees 9 of 10 pixels
NMS_OVERLAP = 0.3  # intersection over union of two boxes of one face
# A face with a score between these is looked at again, at a size that the network knows best: lamps and knots in wood
# look like faces at one size only, and small faces get a better score and better points.
CANDIDATE, SURE = 0.1, 0.65
LOOK_FACE, LOOK_MARGIN = 56, 0.75  # pixels of the face at the second look; what is seen around it, in its own sides
LEAST = 0.75  # of the height of the smallest face that is looked for: lower candidates that are not sure are dropped

_sessions: dict[int, onnxruntime.InferenceSession] = {}  # by number of threads
_loading = threading.Lock()

Detections = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes (n, 4), scores (n,), points (n, 5, 2)


def detect(rgb: np.ndarray, threshold: float, min_face: float) -> Faces:
    """Detect faces in any pose; arguments and result as in ``faces.find_faces``, in any order."""
    height, width = rgb.shape[:2]
    scale = min(SEEN / min_face, MAX_ENLARGEMENT)
    least, results = min(threshold, CANDIDATE), list[Detections]()
    while True:
        size = _input_side(width * scale), _input_side(height * scale)
        padded = [side + -side % MULTIPLE for side in size]
        whole = padded[0] * padded[1] <= _WHOLE
        interpolation = cv2.INTER_AREA if scale < _LINEAR_SCALE else cv2.INTER_LINEAR
        level = rgb if size == (width, height) else cv2.resize(rgb, size, interpolation=interpolation)
        ratio = np.array([width / size[0], height / size[1]])
        for boxes, scores, points in [_search(level, least)] if whole else _search_tiles(level, least):
            results.append((boxes * np.tile(ratio, 2), scores, points * ratio))
        if whole:
            break
        scale /= 2
    boxes, scores, points = (np.concatenate(parts) for parts in zip(*results, strict=True))
    unsure, low = scores < SURE, boxes[:, 3] - boxes[:, 1] < LEAST * min_face
    scores[unsure & low] = 0
    looks = np.flatnonzero(unsure & ~low)
    looks = looks[np.argsort(-scores[looks], kind="stable")]
    scores[looks[limits.CANDIDATES :]] = 0
    for index in looks[: limits.CANDIDATES]:
        boxes[index], scores[index], points[index] = _look_again(rgb, boxes[index], scores[index], points[index])
    kept = _suppress(boxes, scores, threshold)
    points -= 0.5  # from the corner of the picture to the centre of its first pixel
    return Faces(np.rint(boxes[kept]).astype(np.int64), scores[kept], points[kept].astype(np.float32))


def _look_again(
    rgb: np.ndarray, box: np.ndarray, score: float, points: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray]:
    """A candidate, box (4,) and points (5, 2), as it is at the second look; its score is the mean of the two looks'."""
    side = max(box[2] - box[0], box[3] - box[1])
    low = np.floor(np.clip(box[:2] - LOOK_MARGIN * side, 0, None)).astype(int)
    high = np.ceil(box[2:] + LOOK_MARGIN * side).astype(int)
    part = rgb[low[1] : high[1], low[0] : high[0]]
    if not part.size:
        return box, 0.0, points
    size = [max(1, round(length * LOOK_FACE / side)) for length in part.shape[1::-1]]
    ratio = np.array(part.shape[1::-1]) / size
    boxes, scores, places = _search(cv2.resize(part, size, interpolation=cv2.INTER_AREA), CANDIDATE)
    boxes, places = boxes * np.tile(ratio, 2) + np.tile(low, 2), places * ratio + low
    same = np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - (box[:2] + box[2:]) / 2).max(axis=1) < side / 2
    if not same.any():
        return box, score / 2, points
    best = int(np.flatnonzero(same)[scores[same].argmax()])
    return boxes[best], (score + float(scores[best])) / 2, places[best]


def _input_side(length: float) -> int:
    """A side of the network's input for a side of the scaled picture: long ones are rounded, short ones padded later.

    Rounding stretches the picture by some per cent, which costs nothing; padding would be computed for nothing.
    """
    return max(1, round(length)) if length < 6 * MULTIPLE else MULTIPLE * round(length / MULTIPLE)


def _search_tiles(level: np.ndarray, threshold: float) -> list[Detections]:
    """Detections in overlapping tiles of a picture; each tile answers for the faces whose centres are in its core."""
    height, width = level.shape[:2]
    parts = []
    for top, (core_top, core_bottom) in _tiles(height):
        for left, (core_left, core_right) in _tiles(width):
            tile = np.ascontiguousarray(level[top : top + _TILE, left : left + _TILE])
            boxes, scores, points = _search(tile, threshold)
            boxes, points = boxes + np.array([left, top, left, top]), points + np.array([left, top])
            x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
            core = (x >= core_left) & (x < core_right) & (y >= core_top) & (y < core_bottom)
            parts.append((boxes[core], scores[core], points[core]))
    return parts


def _tiles(side: int) -> list[tuple[int, tuple[float, float]]]:
    """The first pixel of each tile along a side, and the limits of its core; the cores cover everything once."""
    count = max(1, -(-(side - _OVERLAP) // (_TILE - _OVERLAP)))
    starts = [round(start) for start in np.linspace(0, max(0, side - _TILE), count)]
    between = [(first + _TILE + second) / 2 for first, second in pairwise(starts)]
    edges = [-np.inf, *between, np.inf]
    return list(zip(starts, pairwise(edges), strict=True))


def _search(rgb: np.ndarray, threshold: float) -> Detections:
    """Detections in a picture at its own size, in pixels from its corner."""
    height, width = rgb.shape[:2]
    bottom, right = -height % MULTIPLE, -width % MULTIPLE
    if bottom or right:
        rgb = cv2.copyMakeBorder(rgb, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
    rgba = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)  # four channels are faster than three
    cells, scores, values = _network().run(
        ["cells", "scores", "values"], {"rgba": rgba, "threshold": np.array(threshold, dtype=np.float32)}
    )
    # Of each cell: logarithms of height and width, y and x of the box's centre from the cell's, y and x of the points.
    box_height, box_width = STRIDE * np.exp(values[:, :2]).T
    y, x = STRIDE * (cells[:, 1:] + values[:, 2:4] + 0.5).T
    left, top = x - box_width / 2, y - box_height / 2
    boxes = np.stack([left, top, left + box_width, top + box_height], axis=1)
    relative = values[:, 4:].reshape(-1, 5, 2)[:, :, ::-1]  # x, y in units of the box
    points = boxes[:, None, :2] + relative * np.stack([box_width, box_height], axis=1)[:, None]
    kept = _suppress(boxes, scores, threshold)
    return boxes[kept], scores[kept], points[kept]


def _suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Indices of the boxes that no better box of the same face overlaps (non-maximum suppression)."""
    if len(boxes) < 2:
        return np.flatnonzero(scores > threshold)
    corner_and_size = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(corner_and_size.tolist(), scores.tolist(), threshold, NMS_OVERLAP, top_k=limits.BOXES)
    return np.asarray(kept, dtype=np.int64).reshape(-1)


def _network() -> onnxruntime.InferenceSession:
    """The network on as many threads as the process may use. Raises InputError where its file is damaged."""
    threads = thread_limit()
    with _loading:
        if threads not in _sessions:
            _sessions[threads] = onnx_session(read(), threads)
        return _sessions[threads]


def read() -> bytes:
    """The bytes of the network, whose hash is its card's."""
    advice = "install the package again"
    try:
        content = MODEL.read_bytes()
        expected: str = read_json(CARD)["sha256"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(MODEL, "the face detector and its card", f"{type(error).__name__}: {error}", advice) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise InputError(MODEL, f"SHA-256 {expected[:12]}…", f"{digest[:12]}…", advice)
    return content
