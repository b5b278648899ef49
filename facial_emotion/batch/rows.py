"""Options of a batch run, and the rows of its results: one row per face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DEFAULT_SEARCH, Search

if TYPE_CHECKING:
    from facial_emotion.batch.sources import Source
    from facial_emotion.recognizers import Recognizer
    from facial_emotion.scene import Face

COLUMNS = (
    *("source", "frame", "seconds", "face", "left", "top", "right", "bottom", "detection"),
    *(*EMOTIONS, "label", "certain"),
)
Row = tuple[Any, ...]  # one value per column; frame and seconds are None for a picture
ProgressCallback = Callable[[str], None]  # receives a description of a video's progress


@dataclass(frozen=True)
class Options:
    """Options of a batch run. model: a trained model's name; search: how faces are looked for.

    every: process every N-th frame of a video; fps: or that many frames per second; smoothing: time constant in
    seconds, 0 disables; annotate: a folder for annotated copies; seconds: duration of a camera recording.
    """

    model: str
    threads: int = 1
    search: Search = DEFAULT_SEARCH
    every: int = 1
    fps: float | None = None
    smoothing: float = 0.3
    annotate: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The rows of a source; reason: the error message where it could not be read completely."""

    rows: list[Row]
    reason: str | None = None


def row_of(source: Source, face: Face, frame: int | None = None, seconds: float | None = None) -> Row:
    """A face as a row; probabilities rounded to four decimals, seconds to three."""
    probabilities = (round(float(probability), 4) for probability in face.probabilities)
    time = None if seconds is None else round(seconds, 3)
    where = (*map(int, face.box), round(face.detection, 4))
    return (source.path, frame, time, face.number, *where, *probabilities, face.label, face.certain)


def recognizer(options: Options) -> Recognizer:
    """The model, which ``recognizers.load`` caches: each process loads it once."""
    from facial_emotion import recognizers
    from facial_emotion.threads import limit_threads

    limit_threads(options.threads)
    return recognizers.load(options.model, options.threads)


def copy_path(source: Source, folder: str, suffix: str) -> Path:
    """The path of a source's annotated copy; its parent folder is created."""
    path = Path(folder) / source.relative_path
    path = path.with_name(path.name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
