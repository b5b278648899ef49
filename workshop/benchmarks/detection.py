"""Recall of the face detectors on synthetic scenes, and false detections on pictures without faces."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from facial_emotion import examples
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results, timing
from facial_emotion.features.faces import DETECTORS, Search, default_min_face, find_faces, in_video
from facial_emotion.features.pixels import array_to_rgb
from facial_emotion.terminal import bar
from workshop.benchmarks.scenes import CONDITIONS, Condition, Portrait, scenes

# Pictures of skimage.data in which there is no face.
FACELESS = [
    "binary_blobs",
    "brick",
    "cat",
    "cell",
    "checkerboard",
    "clock",
    "coffee",
    "coins",
    "colorwheel",
    "grass",
    "gravel",
    "horse",
    "hubble_deep_field",
    "immunohistochemistry",
    "logo",
    "microaneurysms",
    "moon",
    "page",
    "retina",
    "rocket",
    "shepp_logan_phantom",
    "stereo_motorcycle",
    "text",
]


@dataclass(frozen=True)
class Recall:
    """What a detector found under one condition. seconds: per picture."""

    condition: str
    detector: str
    faces: int
    found: int
    false: int
    seconds: float


def measure(condition: Condition, portraits: list[Portrait]) -> Iterator[Recall]:
    """The recall of every detector under a condition.

    Faces are looked for from the size that is the default in a still picture, or from the condition's if that is less.
    """
    pictures = list(scenes(condition, portraits))
    for detector in DETECTORS:
        matched_faces = false = faces = 0
        start = time.perf_counter()
        for picture, boxes in pictures:
            smallest = min(default_min_face(*condition.picture), condition.size[0])
            detected = find_faces(picture, detector, min_face=smallest).boxes
            matched = match(boxes, detected)
            faces, matched_faces, false = faces + len(boxes), matched_faces + matched, false + len(detected) - matched
        seconds = (time.perf_counter() - start) / len(pictures)
        yield Recall(condition.name, detector, faces, matched_faces, false, seconds)


def match(boxes: np.ndarray, detected: np.ndarray) -> int:
    """How many boxes (n, 4) have a detection (m, 4) of their own: near their centre, and of about their size.

    Detectors disagree about where a face ends, all the more if half of it is covered: overlap is no measure here.
    """
    left = list(range(len(detected)))
    matched = 0
    for box in boxes:
        height = box[3] - box[1]
        for index in left:
            other = detected[index]
            off = np.abs(box[:2] + box[2:] - other[:2] - other[2:]).max() / 2
            if off < height / 2 and 0.4 < (other[3] - other[1]) / height < 2.5:
                left.remove(index)
                matched += 1
                break
    return matched


def faceless() -> Iterator[tuple[str, np.ndarray]]:
    """Pictures uint8 RGB without a face, by name: scikit-image's, and noise."""
    from skimage import data

    for name in FACELESS:
        pictures = getattr(data, name)()
        for index, picture in enumerate(pictures[:2] if isinstance(pictures, tuple) else [pictures]):
            yield f"{name} {index + 1}" if index else name, array_to_rgb(np.asarray(picture))
    rng = np.random.default_rng(0)
    yield "noise", rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    yield "coarse noise", np.kron(rng.integers(0, 256, (30, 40, 3)), np.ones((16, 16, 1))).astype(np.uint8)


def report(pictures: list[np.ndarray], threads: int) -> dict[str, Any]:
    """Recall by condition, false detections and milliseconds of every detector. pictures: portraits, uint8 RGB.

    Raises InputError for a picture in which not exactly one face is found.
    """

    portraits = [_portrait(picture) for picture in [examples.portrait(), *pictures]]
    rows = []
    with bar("conditions", len(CONDITIONS)) as step:
        for condition in CONDITIONS:
            rows += [asdict(recall) for recall in measure(condition, portraits)]
            step()
    without = dict(faceless())
    frame = examples.frame()
    return {
        "portraits": len(portraits),
        "recall": rows,
        "pictures_without_faces": len(without),
        "false": {name: sum(len(find_faces(rgb, name)) for rgb in without.values()) for name in DETECTORS},
        "frame_640x480": {
            name: asdict(timing.repeated(partial(find_faces, frame, *in_video(Search(name), frame)), 50))
            for name in DETECTORS
        },
        "host": results.host(threads),
    }


def tables(figures: dict[str, Any]) -> Iterator[str]:
    """Lines that show the figures of ``report``."""
    names = list(DETECTORS)
    yield f"{'faces found':28}" + "".join(f"{name:>22}" for name in names)
    by_condition: dict[str, list[dict[str, Any]]] = {}
    for row in figures["recall"]:
        by_condition.setdefault(row["condition"], []).append(row)
    for condition, rows in by_condition.items():
        cells = (f"{row['found']}/{row['faces']}, {row['false']} false" for row in rows)
        yield f"{condition:28}" + "".join(f"{cell:>22}" for cell in cells)
    total = [f"{figures['false'][name]} false" for name in names]
    yield f"{figures['pictures_without_faces']} pictures without faces".ljust(28) + "".join(
        f"{cell:>22}" for cell in total
    )
    times = (f"{figures['frame_640x480'][name]['median_ms']:.1f} ms" for name in names)
    yield f"{'frame of 640x480':28}" + "".join(f"{cell:>22}" for cell in times)


def _portrait(rgb: np.ndarray) -> Portrait:
    """A portrait with its face's box."""
    faces = find_faces(rgb)
    if len(faces) != 1:
        raise InputError("portrait", "a picture of one face", f"{len(faces)} faces")
    return Portrait(rgb, faces.boxes[0].astype(float))
