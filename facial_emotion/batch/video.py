"""Recognition of videos and cameras: face tracking, an annotated copy, and a plot of the probabilities over time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from facial_emotion.batch.copies import place
from facial_emotion.batch.rows import Options, ProgressCallback, Row, empty_row, recognizer, row_of
from facial_emotion.batch.sources import CAMERA, Source
from facial_emotion.drawing import HEX
from facial_emotion.errors import InputError, shown, unwritable
from facial_emotion.evaluation.plots import pyplot
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.video import reader, tracking
from facial_emotion.video.reader import Frame
from facial_emotion.video.stream import TRACK_TIMEOUT, Settings, Stream
from facial_emotion.video.writer import annotated_copy

History = list[tuple[float, int, np.ndarray]]  # seconds, face number, probabilities (7,)


def score(source: Source, options: Options, progress: ProgressCallback) -> Iterator[list[Row]]:
    """The rows of a video or camera, one list per processed frame."""

    frames = sample(_read_camera(source, options) if source.kind == "camera" else reader.read(source.path), options)
    settings = Settings(recognizer(options, options.threads), options.smoothing, options.search, detection_interval=1)
    stream, history, previous = Stream(settings), History(), 0.0
    with ExitStack() as stack:
        write = None
        if options.annotate is not None:
            # Both are finished for a video that can't be read to its end, too.
            copy = partial(place, source, options.root, options.annotate)
            stack.callback(plot, history, copy(".emotions.png"))
            write = stack.enter_context(annotated_copy(copy(".annotated.mp4")))
        for frame in frames:
            stream.change(track_timeout=tracking.timeout(TRACK_TIMEOUT, frame.seconds - previous))
            previous = frame.seconds
            faces = stream.process(frame.rgb, frame.seconds).faces
            if write is not None:
                write(frame, faces)
                history += [(frame.seconds, face.number, face.probabilities) for face in faces]
            moment = frame.number, frame.seconds
            yield [row_of(source, face, *moment) for face in faces] or [empty_row(source, *moment)]
            progress(f"{shown(Path(source.path).name)}, {frame.seconds:.0f} s")


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


def _read_camera(source: Source, options: Options) -> Iterator[Frame]:
    """Record a camera for ``options.seconds``, or without end."""
    import cv2

    number = source.path.removeprefix(CAMERA)
    device = cv2.VideoCapture(int(number)) if number.isdecimal() and number.isascii() else None
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


def plot(history: History, path: Path) -> None:
    """Plot the seven probabilities over time, one panel per face, for up to four faces with the most frames.

    Without a face there is no plot. Raises InputError where it can't be written.
    """
    if not history:
        return

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
    try:
        figure.savefig(path, dpi=100)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        pyplot().close(figure)
