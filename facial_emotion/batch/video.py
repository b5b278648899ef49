"""Recognition of videos and cameras: face tracking, an annotated copy, and a plot of the probabilities over time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.batch.rows import Options, ProgressCallback, Row, copy_path, recognizer, row_of
from facial_emotion.batch.sources import CAMERA, Source
from facial_emotion.errors import InputError

if TYPE_CHECKING:
    from facial_emotion.scene import Face

    WriteFrame = Callable[["Frame", list[Face]], None]

_TIME_BASE = Fraction(1, 1000)  # seconds: the time unit of annotated videos
History = list[tuple[float, int, np.ndarray]]  # seconds, face number, probabilities (7,)


@dataclass(frozen=True)
class Frame:
    """A frame: its number from 0, its time in seconds, and its pixels, uint8 RGB (h, w, 3)."""

    number: int
    seconds: float
    rgb: np.ndarray


def score(source: Source, options: Options, progress: ProgressCallback) -> Iterator[list[Row]]:
    """The rows of a video or camera, one list per processed frame."""
    from facial_emotion.video.stream import TRACK_TIMEOUT, Settings, Stream

    frames = sample(_read_camera(source, options) if source.kind == "camera" else read_file(source), options)
    settings = Settings(recognizer(options), options.smoothing, options.search, detection_interval=1)
    stream, history, previous = Stream(settings), History(), 0.0
    with ExitStack() as stack:
        write = stack.enter_context(_writer(source, options.annotate)) if options.annotate is not None else None
        for frame in frames:
            # At a low frame rate the default timeout would end every track before the next frame.
            stream.change(track_timeout=max(TRACK_TIMEOUT, 2.5 * (frame.seconds - previous)))
            previous = frame.seconds
            faces = stream.process(frame.rgb, frame.seconds).faces
            if write is not None:
                write(frame, faces)
                history += [(frame.seconds, face.number, face.probabilities) for face in faces]
            yield [row_of(source, face, frame.number, frame.seconds) for face in faces]
            progress(f"{Path(source.path).name}, {frame.seconds:.0f} s")
    if options.annotate is not None and history:
        plot(history, copy_path(source, options.annotate, ".emotions.png"))


def sample(frames: Iterator[Frame], options: Options) -> Iterator[Frame]:
    """Every N-th frame, or with ``options.fps`` the first frame of each sampling period."""
    due = 0.0
    for frame in frames:
        if options.fps is not None:
            if frame.seconds + 1e-6 < due:
                continue
            due = (np.floor(frame.seconds * options.fps + 1e-6) + 1) / options.fps
        elif frame.number % options.every:
            continue
        yield frame


def read_file(source: Source) -> Iterator[Frame]:
    """Decode a video file; times start at 0, and rotation metadata is applied."""
    import av

    try:
        with av.open(source.path) as container:
            if not container.streams.video:
                raise InputError(source.path, "a video", "no video stream")
            first: float | None = None
            for number, frame in enumerate(container.decode(video=0)):
                seconds = float(frame.time) if frame.time is not None else number / 25
                first = seconds if first is None else first
                rgb = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
                yield Frame(number, seconds - first, np.ascontiguousarray(rgb))
            if first is None:
                raise InputError(source.path, "a video", "no frame in it")
    except (OSError, av.FFmpegError) as error:
        raise InputError(source.path, "a whole video file", error.strerror or type(error).__name__) from error


def _read_camera(source: Source, options: Options) -> Iterator[Frame]:
    """Record a camera for ``options.seconds``, or without end."""
    import cv2

    number = source.path.removeprefix(CAMERA)
    device = cv2.VideoCapture(int(number)) if number.isdigit() else None
    if device is None or not device.isOpened():
        raise InputError(source.path, "a camera, as camera:0", "none", "check its number and access rights")
    start = time.monotonic()
    try:
        for index in range(2**62):
            success, bgr = device.read()
            seconds = time.monotonic() - start
            if not success:
                raise InputError(source.path, "a frame from the camera", "none", "check that it is connected")
            if options.seconds is not None and seconds > options.seconds:
                return
            yield Frame(index, seconds, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    finally:
        device.release()


@contextmanager
def _writer(source: Source, folder: str) -> Iterator[WriteFrame]:
    """A function that appends annotated frames to an H.264 file, which gets its final name when it is complete."""
    import av

    from facial_emotion.drawing import annotated

    path = copy_path(source, folder, ".annotated.mp4")
    scratch = path.with_suffix(".part")
    container = av.open(str(scratch), "w", format="mp4")
    stream: Any = None

    def write(frame: Frame, faces: list[Face]) -> None:
        nonlocal stream
        if stream is None:
            height, width = (side - side % 2 for side in frame.rgb.shape[:2])  # yuv420p needs even sides
            stream = container.add_stream("libx264", rate=25, options={"crf": "23", "preset": "veryfast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.time_base = _TIME_BASE
        rgb = annotated(frame.rgb, faces, bars=True)[: stream.height, : stream.width]
        if rgb.shape[:2] == (stream.height, stream.width):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            picture.pts, picture.time_base = round(frame.seconds / _TIME_BASE), _TIME_BASE
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


def plot(history: History, path: Path) -> None:
    """Plot the seven probabilities over time, one panel per face, for up to four faces with the most frames."""
    from facial_emotion.drawing import HEX
    from facial_emotion.evaluation.plots import pyplot
    from facial_emotion.features.emotions import EMOTIONS

    numbers = [number for _, number, _ in history]
    longest = sorted(sorted(set(numbers)), key=numbers.count, reverse=True)[:4]
    figure, column = pyplot().subplots(
        len(longest), 1, figsize=(9, 2.2 * len(longest) + 0.6), sharex=True, squeeze=False, layout="constrained"
    )
    for axes, face in zip(column[:, 0], sorted(longest), strict=True):
        of_face = [(seconds, probabilities) for seconds, number, probabilities in history if number == face]
        times, probabilities = zip(*of_face, strict=True)
        for index, name in enumerate(EMOTIONS):
            axes.plot(times, 100 * np.stack(probabilities)[:, index], label=name, color=HEX[name])
        axes.set(ylabel=f"face {face}, %", ylim=(0, 100))
        axes.grid(alpha=0.3)
    column[-1, 0].set(xlabel="seconds")
    column[0, 0].legend(ncols=len(EMOTIONS), fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1))
    figure.savefig(path, dpi=100)
    pyplot().close(figure)
