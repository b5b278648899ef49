"""Frames of a video file as players show them, with times that always rise."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion import limits
from facial_emotion.errors import InputError, memory_checked
from facial_emotion.features.pixels import check_size
from facial_emotion.records import Json

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

# The demuxers of FFmpeg that a file may be read with. Others open further files or addresses that a file names.
FORMATS = (
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "asf", "mpeg", "mpegts", "mpegvideo", "ogg"),
    *("h264", "hevc", "m4v", "mjpeg", "ivf", "obu", "yuv4mpegpipe"),
)
_WITH_DURATION = ("mov", "matroska", "avi", "asf")  # formats that state it, instead of its being an estimate
_DURATION_TAG = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")  # of Matroska's streams: 00:01:02.003
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
    """Strictly rising seconds for frames whose own times may be missing, equal, or jump back.

    They jump back where recordings were joined: what follows goes on from there. interval: seconds between two frames
    where their times don't say it; start: the own time that is 0, by default the first frame's.
    """

    def __init__(self, interval: float, start: float | None = None) -> None:
        self._interval = interval
        self._start = start if start is not None and abs(start) < _LATEST else None
        self._shift: float | None = None  # from the frames' own times to the clock's
        self.seconds = 0.0  # of the last frame

    def at(self, time: float | None) -> float:
        """The clock's seconds for the next frame, whose own time may be missing or nonsense."""
        if time is None or not abs(time) < _LATEST:  # also true of NaN
            time = (self._start or 0.0) if self._shift is None else self.seconds + self._interval - self._shift
        if self._shift is None:
            start = time if self._start is None else min(self._start, time)
            self._shift, self.seconds = -start, time - start
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
        stream = _shown_stream(container, path)
        return stream.frames or round((_duration(stream) or (container.duration or 0) / 1_000_000) * _rate(stream))


def is_sound(path: str | os.PathLike[str]) -> bool:
    """Whether a file has sound and no video; a cover is none."""
    try:
        with _open(path) as container:
            return not _videos(container) and bool(container.streams.audio)
    except InputError:
        return False


def read(path: str | os.PathLike[str]) -> Iterator[Frame]:
    """Decode the frames that players show of a video file: its main stream, upright, with square pixels.

    Times are those of the file: 0 is where its first stream starts. Raises InputError where it can't be read, and after
    the last frame where its video ends early.
    """
    name = os.fspath(path)
    with _open(path) as container:
        stream = _shown_stream(container, path)
        start = None if container.start_time is None else container.start_time / 1_000_000
        clock, number, first, end = Clock(1 / _rate(stream), start), -1, 0.0, 0.0
        matrices = dict[int, list[int]]()
        for number, frame in enumerate(container.decode(stream)):
            if frame.rotation not in matrices:  # looking at all frames would keep them in memory for a while
                matrices[frame.rotation] = _display_matrix(frame)
            pixels = frame.to_ndarray(format="rgb24", **_square(stream, frame, name))
            rgb = _upright(pixels, matrices[frame.rotation])
            seconds = clock.at(frame.time)
            first = first if number else seconds
            end = seconds + float((frame.duration or 0) * (frame.time_base or 0))
            yield Frame(number, seconds, rgb)
        if number < 0:
            raise InputError(name, "a video", "no frame in it")
        form = container.format.name.split(",")[0]
        stated = _duration(stream) if form in _WITH_DURATION else 0.0
        begin = 0.0 if form == "matroska" else first  # whose duration is the end
        if end - begin < stated - max(1.0, _MISSING * stated):
            raise InputError(name, f"a video of {stated:.1f} s", f"its end after {end - begin:.1f} s")


@contextmanager
def _open(path: str | os.PathLike[str]) -> Iterator[InputContainer]:
    """An opened file; InputError for whatever FFmpeg raises while it is open."""
    import av

    name = os.fspath(path)
    options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file", **_limited()}
    with memory_checked(name):
        try:
            with av.open(f"file:{name}", options=options, metadata_errors="replace") as container:
                yield container  # and titles are not always in UTF-8
        except av.error.MemoryError as error:  # which FFmpeg raises for frames over the limit, too
            np.empty(4 * limits.FRAME, np.uint8)  # raises where memory is short
            raise InputError(name, f"frames of at most {limits.FRAME} pixels", "larger ones") from error
        except (OSError, av.FFmpegError) as error:
            raise InputError(name, "a whole video file", error.strerror or type(error).__name__) from error


def _limited() -> dict[str, str]:
    """The option of FFmpeg's decoders that makes them refuse larger frames."""
    return {"max_pixels": str(limits.FRAME)}


def _videos(container: InputContainer) -> list[VideoStream]:
    """The video streams of a file that are not its cover."""
    from av.stream import Disposition

    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def _shown_stream(container: InputContainer, path: str | os.PathLike[str]) -> VideoStream:
    """The stream that players show. Raises InputError where there is none, or its frames are too large."""
    name, videos = os.fspath(path), _videos(container)
    if not videos:
        raise InputError(name, "a video", "sound alone" if container.streams.audio else "no video stream")
    best = container.streams.best("video")
    stream = next((each for each in videos if best is not None and each.index == best.index), videos[0])
    if stream.codec_context is None:
        raise InputError(name, "a video that can be decoded", "one of an unknown codec")
    check_size(f"{name}, frames", stream.width, stream.height, limits.FRAME)
    stream.codec_context.options = _limited()  # they may grow
    return stream


def _square(stream: VideoStream, frame: VideoFrame, name: str) -> Json:
    """The size in which a frame has square pixels, where it has not: ``width`` is stretched, as players do it."""
    ratio = stream.sample_aspect_ratio
    if not ratio or ratio == 1:
        return {}
    width = max(1, round(frame.width * ratio))
    check_size(f"{name}, frames as they are shown", width, frame.height, limits.FRAME)
    return {"width": width, "height": frame.height}


def _display_matrix(frame: VideoFrame) -> list[int]:
    """The 9 numbers of a frame's display matrix; empty where it has none."""
    sides: Any = frame.side_data
    matrices = (np.frombuffer(data, np.int32).tolist() for data in sides if data.type.name == "DISPLAYMATRIX")
    return next(matrices, [])


def _upright(rgb: np.ndarray, matrix: list[int]) -> np.ndarray:
    """A frame's pixels (h, w, 3), turned and mirrored by a display matrix as FFmpeg does it.

    Turns are by the nearest multiple of 90 degrees.
    """
    if not matrix:
        return rgb
    right, down, _, below, under = matrix[:5]  # where x and y of a pixel go
    turn = round(math.degrees(math.atan2(down, right)) / 90) % 4
    if turn % 2 == 0:
        rgb = rgb[:: -1 if under < 0 else 1, :: -1 if turn == 2 else 1]
    else:
        rgb = rgb.swapaxes(0, 1)[:: -1 if down < 0 else 1, :: -1 if below < 0 else 1]
    return np.ascontiguousarray(rgb)


def _duration(stream: VideoStream) -> float:
    """The seconds that a stream says it lasts; 0 where it says nothing."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    tag = _DURATION_TAG.match(stream.metadata.get("DURATION", ""))
    return sum(float(part) * unit for part, unit in zip(tag.groups(), (3600, 60, 1), strict=True)) if tag else 0.0


def _rate(stream: VideoStream) -> float:
    """A stream's frames per second."""
    rate = float(stream.average_rate or stream.guessed_rate or _USUAL_RATE)
    return rate if rate > 0 else _USUAL_RATE
