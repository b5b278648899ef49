"""Analysis of a video from its start to its end, step by step, so that a page can show it at work and stop it."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.scene import Face
from facial_emotion.video import tracking
from facial_emotion.video.reader import Frame
from facial_emotion.video.record import Record
from facial_emotion.video.stream import TRACK_TIMEOUT, Settings, Stream
from facial_emotion.video.writer import annotated_copy

MAX_FRAMES = 1500  # of a video that are analysed
_MAX_STILLS, _STILL_HEIGHT = 60, 90  # small pictures that are kept, and their height in pixels


@dataclass
class Step:
    """One analysed frame with its faces."""

    frame: Frame
    faces: list[Face]


@dataclass
class Analysis:
    """The analysis of a video.

    frames: of the video; count: their number, as far as it is known; copy: the annotated video that is written, in
    which ``words`` says what the emotions are called; every: how many frames there are to one that is analysed. step:
    the last one; seconds: its time; error: what ended the video early; stills: small pictures uint8 RGB by their
    seconds.
    """

    name: str
    frames: Iterator[Frame]
    count: int
    settings: Settings
    copy: Path
    words: Callable[[str], str] = str
    every: int = 1
    step: Step | None = None
    seconds: float = 0.0
    error: InputError | None = None
    record: Record = field(default_factory=lambda: Record(start=0.0))
    stills: dict[float, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.every = max(1, math.ceil(self.count / MAX_FRAMES))

    def run(self) -> Generator[float]:
        """Analyse and write every ``every``-th frame; yields the share that is done, 0 where their number is unknown.

        Where it is closed before its end, what is done is kept, the annotated video too.
        """
        stream, still_interval = Stream(self.settings, self.record), max(1, self.count // self.every // _MAX_STILLS)
        try:
            with annotated_copy(self.copy, self.words) as write:
                for frame in self.frames:
                    if frame.number % self.every:
                        continue
                    stream.change(track_timeout=tracking.timeout(TRACK_TIMEOUT, frame.seconds - self.seconds))
                    faces = stream.process(frame.rgb, frame.seconds).faces
                    write(frame, faces)
                    self.step, self.seconds = Step(frame, faces), frame.seconds
                    if frame.number // self.every % still_interval == 0:
                        self.stills[frame.seconds] = _still(frame.rgb)
                    yield min(1.0, (frame.number + 1) / self.count) if self.count else 0.0
        except InputError as error:
            self.error = error


def _still(rgb: np.ndarray) -> np.ndarray:
    """A small copy of a frame, uint8 RGB."""
    width = max(1, round(rgb.shape[1] * _STILL_HEIGHT / rgb.shape[0]))
    return cv2.resize(rgb, (width, _STILL_HEIGHT), interpolation=cv2.INTER_AREA)
