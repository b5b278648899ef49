"""What a run is asked to do, and what it writes: options, and a row for each face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import THRESHOLD

if TYPE_CHECKING:
    from facial_emotion.batch.sources import Source
    from facial_emotion.scene import Face

COLUMNS = ("source", "frame", "seconds", "face", "left", "top", "right", "bottom", *EMOTIONS, "label", "certain")
Row = tuple[Any, ...]  # one value a column; frame and seconds are None for a picture
ProgressCallback = Callable[[str], None]  # called with a line on how far a video is


@dataclass(frozen=True)
class Options:
    """How sources are recognised. model: a trained model's name; threshold: of the detector.

    every: process every N-th frame of a video; fps: or so many frames a second; smoothing: time constant in seconds, 0
    disables; annotate: a folder for annotated copies; seconds: how long a camera is watched.
    """

    model: str
    threads: int = 1
    threshold: float = THRESHOLD
    every: int = 1
    fps: float | None = None
    smoothing: float = 0.3
    annotate: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The rows of a source, and the reason where it could not be read to its end."""

    rows: list[Row]
    reason: str | None = None


def row_of(source: Source, face: Face, frame: int | None = None, seconds: float | None = None) -> Row:
    """A face as a row; probabilities to four places, seconds to three."""
    shares = (round(float(share), 4) for share in face.probabilities)
    time = None if seconds is None else round(seconds, 3)
    return (source.path, frame, time, face.number, *map(int, face.box), *shares, face.label, face.certain)
