"""What the server's worker processes do: bytes in, plain data out. A decoder that crashes takes no server with it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import workers
from errors import InputError

if TYPE_CHECKING:
    from recognizers import Recognizer


@functools.cache
def recognizer(name: str) -> Recognizer:
    """A model on one thread, loaded once in each worker."""
    import recognizers

    return recognizers.load(name, threads=1)


def begin(names: tuple[str, ...]) -> None:
    """Make a worker ready: all models loaded and warm."""
    import cv2
    import numpy as np

    from features.faces import find_faces

    workers.begin()
    cv2.setNumThreads(1)
    find_faces(np.zeros((100, 100, 3), dtype=np.uint8))
    for name in names:
        recognizer(name).predict_proba(np.zeros((1, 48, 48), dtype=np.uint8))


def ready() -> bool:
    """True, from a worker that has begun."""
    return True


def answer(model: str, content: bytes, max_pixels: int) -> dict[str, Any] | str:
    """The faces of an encoded picture, or in words why it can't be read."""
    from features.emotions import EMOTIONS
    from features.pictures import read_rgb
    from scene import faces_in

    try:
        rgb = read_rgb(content, max_pixels)
    except InputError as error:
        return str(error)
    faces = [
        {
            "number": face.number,
            "box": [int(edge) for edge in face.box],
            "label": face.label,
            "certain": face.certain,
            "confidence": round(face.confidence, 4),
            "probabilities": {
                name: round(float(share), 4) for name, share in zip(EMOTIONS, face.probabilities, strict=True)
            },
        }
        for face in faces_in(rgb, recognizer(model))
    ]
    return {"model": model, "width": rgb.shape[1], "height": rgb.shape[0], "faces": faces}
