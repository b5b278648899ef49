"""Recognition in the server's worker processes: encoded pictures in, plain data out.

A crash of a picture decoder ends a worker, not the server.
"""

from __future__ import annotations

import gc
import pickle
import socket
from contextlib import suppress
from typing import Any, BinaryIO, TypedDict

import numpy as np

from facial_emotion import limits, recognizers
from facial_emotion.errors import InputError, is_memory_error
from facial_emotion.features.faces import DETECTORS, Search, find_faces
from facial_emotion.features.pictures import read_rgb
from facial_emotion.memory import limit_growth
from facial_emotion.scene import FaceData, faces_in
from facial_emotion.serving.schema import FORMATS
from facial_emotion.threads import limit_threads
from facial_emotion.workers import become_worker


class PictureData(TypedDict):
    """The faces of a picture. width, height: of the picture in pixels."""

    model: str
    width: int
    height: int
    faces: list[FaceData]


Request = tuple[str, bytes, int, Search]  # the arguments of ``recognise``
Answer = PictureData | str
OUT_OF_MEMORY = "out of memory"
HEAD = 8  # bytes of a message's length, before its pickle


def run(connection: socket.socket, models: dict[str, str], pixels: int) -> None:
    """Work in a process of its own: load the models, say so, and answer requests until the connection closes.

    models: fingerprints by name; another fingerprint is a failure; pixels: of the largest picture, for which there is
    memory. First None is sent, or the text of a failure.
    """
    become_worker()
    with suppress(EOFError, OSError), connection.makefile("rb") as messages:
        try:
            _load(models)
        except Exception as error:  # whatever it is, the server must say it
            connection.sendall(pack(str(error) or type(error).__name__))
            return
        limit_growth(limits.WORKER_BYTES + limits.PIXEL_BYTES * pixels)
        connection.sendall(pack(None))
        while True:
            request: Request = _unpack(messages)
            try:
                answer: Answer = recognise(*request)
            except Exception as error:
                if not is_memory_error(error):
                    raise
                answer = OUT_OF_MEMORY
            connection.sendall(pack(answer))


def pack(message: Any) -> bytes:
    """A message as it is sent over the connection of server and worker: its length and its pickle."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(content).to_bytes(HEAD) + content


def _unpack(messages: BinaryIO) -> Any:
    """The next message. Raises EOFError where the connection was closed."""
    size = int.from_bytes(messages.read(HEAD))
    content = messages.read(size)
    if not size or len(content) < size:
        raise EOFError
    return pickle.loads(content)


def _load(models: dict[str, str]) -> None:
    """Load all models and run each once."""
    limit_threads(1)
    for detector in DETECTORS:
        find_faces(np.zeros((100, 100, 3), dtype=np.uint8), detector)
    for name, fingerprint in models.items():
        found = recognizers.fingerprint(name)
        if found != fingerprint:
            advice = "it was trained anew: start the server again"
            raise InputError(name, f"the model {fingerprint[:12]}…", f"{found[:12]}…", advice)
        recognizers.load(name, threads=1).predict_proba(np.zeros((1, 48, 48), dtype=np.uint8))
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it for garbage takes time


def recognise(model: str, content: bytes, max_pixels: int, search: Search) -> Answer:
    """The faces of an encoded picture, or the error message where it can't be read."""
    try:
        rgb = read_rgb(content, max_pixels, FORMATS)
    except InputError as error:
        return str(error)
    faces = [face.to_dict() for face in faces_in(rgb, recognizers.load(model, threads=1), *search)]
    return {"model": model, "width": rgb.shape[1], "height": rgb.shape[0], "faces": faces}
