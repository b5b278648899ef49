"""Annotated copies of videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np

from facial_emotion.drawing import annotated
from facial_emotion.errors import unwritable
from facial_emotion.scene import Face
from facial_emotion.video.reader import Frame

WriteFrame = Callable[[Frame, list[Face]], None]
_TIME_BASE = Fraction(1, 1000)  # seconds: the time unit of annotated videos


@contextmanager
def annotated_copy(path: Path, words: Callable[[str], str] = str) -> Iterator[WriteFrame]:
    """A function that appends annotated frames to an H.264 file, which gets its final name when it is complete.

    words: what the emotions are called. Raises InputError where it can't be written: a failure of this source alone.
    """
    import av

    scratch = path.with_suffix(".part")
    last, complete = -1, True  # milliseconds

    def write(frame: Frame, faces: list[Face]) -> None:
        nonlocal last, complete
        complete = False
        if not container.streams:
            height, width = (max(2, side - side % 2) for side in frame.rgb.shape[:2])  # yuv420p needs even sides
            stream = container.add_stream("libx264", rate=25, options={"crf": "23", "preset": "veryfast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.time_base = _TIME_BASE
        stream = container.streams.video[0]
        rgb = _fitted(annotated(frame.rgb, faces, bars=True, words=words), stream.width, stream.height)
        picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        last = max(last + 1, round(frame.seconds / _TIME_BASE))
        picture.pts, picture.time_base = last, _TIME_BASE
        try:
            container.mux(stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise unwritable(path, error) from error
        complete = True

    try:
        with av.open(str(scratch), "w", format="mp4") as container:
            try:
                yield write
            finally:
                for stream in container.streams.video if complete else ():
                    container.mux(stream.encode())
    except (av.FFmpegError, OSError) as error:
        complete = False
        raise unwritable(path, error) from error
    finally:
        if complete and last >= 0:
            scratch.replace(path)
        scratch.unlink(missing_ok=True)


def _fitted(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """A frame uint8 (h, w, 3) in the size of its video: larger ones cut by a pixel or shrunk, with black borders."""
    import cv2

    if rgb.shape[0] - height in (0, 1) and rgb.shape[1] - width in (0, 1):
        return np.ascontiguousarray(rgb[:height, :width])
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    fitted = np.zeros((height, width, 3), dtype=np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return fitted
