"""Recognition in the server's worker processes: encoded pictures in, plain data out.

A crash of a picture decoder ends a worker, not the server.
"""

from __future__ import annotations

from typing import TypedDict

from facial_emotion.features.faces import Search
from facial_emotion.threads import limit_threads
from facial_emotion.workers import become_worker


class FaceData(TypedDict):
    """A face. box: left, top, right, bottom in pixels; detection: the detector's score.

    probabilities: by emotion, rounded to four decimals.
    """

    number: int
    box: list[int]
    detection: float
    label: str
    certain: bool
    confidence: float
    probabilities: dict[str, float]


class PictureData(TypedDict):
    """The faces of a picture. width, height: of the picture in pixels."""

    model: str
    width: int
    height: int
    faces: list[FaceData]


def initialise(names: tuple[str, ...]) -> None:
    """Initialise a worker process: load all models and run each once."""
    import numpy as np

    from facial_emotion.features.faces import DETECTORS, find_faces
    from facial_emotion.recognizers import load

    become_worker()
    limit_threads(1)
    for detector in DETECTORS:
        find_faces(np.zeros((100, 100, 3), dtype=np.uint8), detector)
    for name in names:
        load(name, threads=1).predict_proba(np.zeros((1, 48, 48), dtype=np.uint8))


def is_ready() -> bool:
    """True; it runs in a worker only after ``initialise``."""
    return True


def recognise(model: str, content: bytes, max_pixels: int, search: Search) -> PictureData | str:
    """The faces of an encoded picture, or the error message where it can't be read."""
    from facial_emotion.errors import InputError
    from facial_emotion.features.emotions import EMOTIONS
    from facial_emotion.features.pictures import read_rgb
    from facial_emotion.recognizers import load
    from facial_emotion.scene import faces_in

    try:
        rgb = read_rgb(content, max_pixels)
    except InputError as error:
        return str(error)
    faces: list[FaceData] = [
        {
            "number": face.number,
            "box": [int(edge) for edge in face.box],
            "detection": round(face.detection, 4),
            "label": face.label,
            "certain": face.certain,
            "confidence": round(face.confidence, 4),
            "probabilities": {
                name: round(float(share), 4) for name, share in zip(EMOTIONS, face.probabilities, strict=True)
            },
        }
        for face in faces_in(rgb, load(model, threads=1), *search)
    ]
    return {"model": model, "width": rgb.shape[1], "height": rgb.shape[0], "faces": faces}
