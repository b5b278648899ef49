"""Frames of a video file, with times that always rise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# The demuxers of FFmpeg that a file may be read with. Others open further files or addresses that a file names.
FORMATS = (
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "asf", "mpeg", "mpegts", "mpegvideo", "ogg"),
    *("h264", "hevc", "m4v", "mjpeg", "ivf", "obu", "yuv4mpegpipe"),
)
_WITH_DURATION = ("mov", "matroska", "avi", "asf")  # formats that state it, instead of its being an estimate
_LATEST = 1e8  # seconds, three years: times beyond are nonsense
_USUAL_RATE = 25.0  # frames per second
_JITTER = 0.001  # seconds from a frame to the next one with the same time
_MISSING = 0.1  # share of the duration, and at least a second, that is missing where a video ends early


@dataclass(frozen=True)
class Frame:
    """A frame: its number from 0, its time in seconds, and its pixels, uint8 RGB (h, w, 3)."""

    number: int
    seconds: float
    rgb: np.ndarray


class Clock:
    """Strictly rising seconds from 0 for frames whose own times may be missing, equal, or jump back.

    They jump back where recordings were joined: what follows goes on from there. interval: seconds between two frames
    where their times don't say it.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._shift: float | None = None  # from the frames' own times to the clock's
        self.seconds = 0.0  # of the last frame

    def at(self, time: float | None) -> float:
        """The clock's seconds for the next frame, whose own time may be missing or nonsense."""
        if time is None or not abs(time) < _LATEST:  # also true of NaN
            time = 0.0 if self._shift is None else self.seconds + self._interval - self._shift
        if self._shift is None:
            self._shift = -time
            return self.seconds
        seconds = time + self._shift
        if seconds <= self.seconds:
            jump = self.seconds - seconds
            seconds = self.seconds + (_JITTER if jump < self._interval else self._interval)
            if jump >= self._interval:
                self._shift = seconds - time
        self.seconds = seconds
        return seconds


def size(path: str | os.PathLike[str]) -> int:
    """The number of frames of a video file, as far as the file states or implies it."""
    with _open(path) as container:
        stream = container.streams.video[0]
        return stream.frames or round((container.duration or 0) / 1_000_000 * _rate(stream))


def read(path: str | os.PathLike[str]) -> Iterator[Frame]:
    """Decode the frames of a video file; times start at 0, and rotation metadata is applied.

    Raises InputError where it can't be read, and after the last frame where the file ends early.
    """
    name = os.fspath(path)
    with _open(path) as container:
        stream = container.streams.video[0]
        clock, number = Clock(1 / _rate(stream)), -1
        for number, frame in enumerate(container.decode(stream)):
            rgb = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
            yield Frame(number, clock.at(frame.time), np.ascontiguousarray(rgb))
        if number < 0:
            raise InputError(name, "a video", "no frame in it")
        stated = (container.duration or 0) / 1_000_000
        stated = stated if container.format.name.split(",")[0] in _WITH_DURATION else 0.0
        if clock.seconds < stated - max(1.0, _MISSING * stated):
            raise InputError(name, f"a video of {stated:.1f} s", f"its end after {clock.seconds:.1f} s")


@contextmanager
def _open(path: str | os.PathLike[str]) -> Iterator[InputContainer]:
    """An opened video file with a video stream; InputError for whatever FFmpeg raises while it is open."""
    import av

    name = os.fspath(path)
    options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
    try:
        with av.open(f"file:{name}", options=options) as container:
            if not container.streams.video:
                raise InputError(name, "a video", "no video stream")
            yield container
    except (OSError, av.FFmpegError) as error:
        raise InputError(name, "a whole video file", error.strerror or type(error).__name__) from error


def _rate(stream: VideoStream) -> float:
    """A stream's frames per second."""
    rate = float(stream.average_rate or stream.guessed_rate or _USUAL_RATE)
    return rate if rate > 0 else _USUAL_RATE
