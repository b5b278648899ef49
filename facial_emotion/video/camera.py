"""Faces from a camera as they are seen, for a program or a notebook of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from facial_emotion.drawing import annotated
from facial_emotion.errors import InputError
from facial_emotion.recognizers import DEFAULT, Recognizer, load
from facial_emotion.scene import Face
from facial_emotion.video.stream import HOLD, Settings, Stream

_TITLE = "emotions, q to quit"


def live(
    camera: int | str | Path = 0, recognizer: Recognizer | str = DEFAULT, window: bool = False
) -> Iterator[list[Face]]:
    """The faces of each frame of a camera, tracked and smoothed, until it ends or the loop is left.

    for faces in live(): print([face.caption for face in faces])

    camera: its number, or a video file or stream that OpenCV opens; window: whether a window shows the picture, which
    ends with the key q. A window needs opencv-python instead of opencv-python-headless.
    Raises InputError for a camera that gives no picture, and for a window without that package.
    """
    model = load(recognizer) if isinstance(recognizer, str) else recognizer
    stream = Stream(Settings(model, hold=HOLD))
    opened = cv2.VideoCapture(camera if isinstance(camera, int) else str(camera))
    frames, of_file = 0, not isinstance(camera, int) and Path(camera).is_file()  # which has its own times
    try:
        while True:
            there, bgr = opened.read()
            if not there:
                break
            frames += 1
            rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            seconds = opened.get(cv2.CAP_PROP_POS_MSEC) / 1000 if of_file else None
            faces = stream.process(rgb, seconds).faces
            if window and not _shown(annotated(rgb, faces)):
                break
            yield faces
    finally:
        opened.release()
        with suppress(cv2.error):  # of an OpenCV without windows
            if window:
                cv2.destroyWindow(_TITLE)
    if not frames:
        raise InputError(f"camera {camera}", "a picture", "none", "is it there, and does no other program use it?")


def _shown(rgb: np.ndarray) -> bool:
    """Show a picture, uint8 RGB (h, w, 3), in the window; whether to go on."""
    try:
        cv2.imshow(_TITLE, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        return cv2.waitKey(1) != ord("q")
    except cv2.error as error:
        advice = "pip install opencv-python instead of opencv-python-headless"
        raise InputError("window", "an OpenCV with windows", "one without", advice) from error
