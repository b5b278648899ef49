"""Videos and cameras frame by frame: faces followed, an annotated copy, and a plot of the emotions over time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.batch.rows import Options, ProgressCallback, Row, row_of
from facial_emotion.batch.score import copy_of, recognizer
from facial_emotion.batch.sources import CAMERA, Source
from facial_emotion.errors import InputError

if TYPE_CHECKING:
    from facial_emotion.scene import Face

_TICK = Fraction(1, 1000)  # of an annotated video's clock
Noted = list[tuple[float, int, np.ndarray]]  # seconds, face, probabilities


@dataclass(frozen=True)
class Frame:
    """A frame: its number from 0, its time in seconds, and its pixels, uint8 RGB (h, w, 3)."""

    number: int
    seconds: float
    rgb: np.ndarray


def score(source: Source, options: Options, progress: ProgressCallback) -> Iterator[list[Row]]:
    """The rows of a video or camera, a list for each frame that is looked at."""
    from facial_emotion.video.stream import FORGOTTEN, Settings, Stream

    frames = chosen(_camera(source, options) if source.kind == "camera" else _file(source), options)
    settings = Settings(recognizer(options), options.smoothing, options.threshold, every=1)
    stream, noted, before = Stream(settings), Noted(), 0.0
    with ExitStack() as stack:
        write = stack.enter_context(_copy(source, options)) if options.annotate is not None else None
        for frame in frames:
            # Frames that lie further apart than a face is remembered would each begin with new faces.
            stream.change(forgotten=max(FORGOTTEN, 2.5 * (frame.seconds - before)))
            before = frame.seconds
            faces = stream.process(frame.rgb, frame.seconds).faces
            if write is not None:
                write(frame, faces)
                noted += [(frame.seconds, face.number, face.probabilities) for face in faces]
            yield [row_of(source, face, frame.number, frame.seconds) for face in faces]
            progress(f"{Path(source.path).name}, {frame.seconds:.0f} s")
    if options.annotate is not None and noted:
        plot(noted, copy_of(source, options.annotate, ".emotions.png"))


def chosen(frames: Iterator[Frame], options: Options) -> Iterator[Frame]:
    """Every so manieth frame, or those that are the first to reach the next tick of a slower clock."""
    due = 0.0
    for frame in frames:
        if options.fps is not None:
            if frame.seconds + 1e-6 < due:
                continue
            due = (np.floor(frame.seconds * options.fps + 1e-6) + 1) / options.fps
        elif frame.number % options.every:
            continue
        yield frame


def _file(source: Source) -> Iterator[Frame]:
    import av

    try:
        with av.open(source.path) as container:
            if not container.streams.video:
                raise InputError(source.path, "a video", "no pictures in it")
            first: float | None = None
            for number, frame in enumerate(container.decode(video=0)):
                at = float(frame.time) if frame.time is not None else number / 25
                first = at if first is None else first
                rgb = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
                yield Frame(number, at - first, np.ascontiguousarray(rgb))
            if first is None:
                raise InputError(source.path, "a video", "no frame in it")
    except (OSError, av.FFmpegError) as error:
        raise InputError(source.path, "a whole video file", error.strerror or type(error).__name__) from error


def _camera(source: Source, options: Options) -> Iterator[Frame]:
    import cv2

    number = source.path.removeprefix(CAMERA)
    device = cv2.VideoCapture(int(number)) if number.isdigit() else None
    if device is None or not device.isOpened():
        raise InputError(source.path, "a camera, as camera:0", "none there", "look at its number and its rights")
    began = time.monotonic()
    try:
        for index in range(2**62):
            there, bgr = device.read()
            seconds = time.monotonic() - began
            if not there:
                raise InputError(source.path, "a picture from the camera", "none", "is it still connected?")
            if options.seconds is not None and seconds > options.seconds:
                return
            yield Frame(index, seconds, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    finally:
        device.release()


@contextmanager
def _copy(source: Source, options: Options) -> Iterator[Any]:
    """Give what writes annotated frames as H.264; the file is there when all of them are."""
    import av

    from facial_emotion.drawing import annotated

    assert options.annotate is not None
    path = copy_of(source, options.annotate, ".annotated.mp4")
    scratch = path.with_suffix(".part")
    container = av.open(str(scratch), "w", format="mp4")
    stream: Any = None

    def write(frame: Frame, faces: list[Face]) -> None:
        nonlocal stream
        if stream is None:
            height, width = (side - side % 2 for side in frame.rgb.shape[:2])  # H.264 halves the colours
            stream = container.add_stream("libx264", rate=25, options={"crf": "23", "preset": "veryfast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.time_base = _TICK
        drawn = annotated(frame.rgb, faces, bars=True)[: stream.height, : stream.width]
        if drawn.shape[:2] == (stream.height, stream.width):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(drawn), format="rgb24")
            picture.pts, picture.time_base = round(frame.seconds / _TICK), _TICK
            container.mux(stream.encode(picture))

    try:
        yield write
    finally:
        if stream is not None:
            container.mux(stream.encode())
        container.close()
        if stream is not None:
            scratch.replace(path)
        else:
            scratch.unlink(missing_ok=True)


def plot(noted: Noted, path: Path) -> None:
    """The seven probabilities over time, a panel for each of the faces seen longest (up to four)."""
    from facial_emotion.drawing import HEX
    from facial_emotion.evaluation.plots import pyplot
    from facial_emotion.features.emotions import EMOTIONS

    numbers = [number for _, number, _ in noted]
    longest = sorted(sorted(set(numbers)), key=numbers.count, reverse=True)[:4]
    figure, column = pyplot().subplots(
        len(longest), 1, figsize=(9, 2.2 * len(longest) + 0.6), sharex=True, squeeze=False, layout="constrained"
    )
    for axes, number in zip(column[:, 0], sorted(longest), strict=True):
        times, shares = zip(*((at, shares) for at, each, shares in noted if each == number), strict=True)
        for index, name in enumerate(EMOTIONS):
            axes.plot(times, 100 * np.stack(shares)[:, index], label=name, color=HEX[name])
        axes.set(ylabel=f"face {number}, %", ylim=(0, 100))
        axes.grid(alpha=0.3)
    column[-1, 0].set(xlabel="seconds")
    column[0, 0].legend(ncols=len(EMOTIONS), fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1))
    figure.savefig(path, dpi=100)
    pyplot().close(figure)
