"""What the server's worker processes do: bytes in, plain data out. A decoder that crashes takes no server with it."""

from __future__ import annotations

from typing import Any

from facial_emotion import workers
from facial_emotion.errors import InputError
from facial_emotion.threads import limit_threads


def begin(names: tuple[str, ...]) -> None:
    """Make a worker ready: all models loaded and warm."""
    import numpy as np

    from facial_emotion.features.faces import find_faces
    from facial_emotion.recognizers import load

    workers.begin()
    limit_threads(1)
    find_faces(np.zeros((100, 100, 3), dtype=np.uint8))
    for name in names:
        load(name, threads=1).predict_proba(np.zeros((1, 48, 48), dtype=np.uint8))


def ready() -> bool:
    """True, from a worker that has begun."""
    return True


def answer(model: str, content: bytes, max_pixels: int) -> dict[str, Any] | str:
    """The faces of an encoded picture, or in words why it can't be read."""
    from facial_emotion.features.emotions import EMOTIONS
    from facial_emotion.features.pictures import read_rgb
    from facial_emotion.recognizers import load
    from facial_emotion.scene import faces_in

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
        for face in faces_in(rgb, load(model, threads=1))
    ]
    return {"model": model, "width": rgb.shape[1], "height": rgb.shape[0], "faces": faces}
