"""One source -> its rows. Run in this process, in others, or on other machines; everything passed is plain data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.sources import Source
from errors import InputError
from features.emotions import EMOTIONS
from features.faces import THRESHOLD

if TYPE_CHECKING:
    from recognizers import Recognizer
    from scene import Face

COLUMNS = ("source", "frame", "seconds", "face", "left", "top", "right", "bottom", *EMOTIONS, "label", "certain")
Row = tuple[Any, ...]  # one value a column; frame and seconds are None for a picture
Tick = Callable[[str], None]  # told how far a video is


@dataclass(frozen=True)
class Options:
    """How to score. every, fps: which frames of a video; smoothing: in seconds; annotate: a folder for copies."""

    model: str
    threads: int = 1
    threshold: float = THRESHOLD
    every: int = 1
    fps: float | None = None
    smoothing: float = 0.3
    annotate: str | None = None
    seconds: float | None = None  # how long a camera is watched


@dataclass(frozen=True)
class Outcome:
    """What became of a source: its rows, and the reason where it could not be read to its end."""

    rows: list[Row]
    reason: str | None = None


@functools.lru_cache(maxsize=1)
def recognizer(model: str, threads: int) -> Recognizer:
    """The model, loaded once in each process."""
    import cv2

    import recognizers

    cv2.setNumThreads(threads)
    return recognizers.load(model, threads)


def score(source: Source, options: Options, tick: Tick = lambda news: None) -> Iterator[list[Row]]:
    """The rows of a source, a list for each picture or frame. Raises InputError where it can't be read (on)."""
    if source.kind == "picture":
        yield _picture(source, options)
    else:
        from batch import video

        yield from video.score(source, options, tick)


def outcomes(sources: list[Source], options: Options) -> list[Outcome]:
    """What becomes of some sources, for the way back from another process."""
    found = []
    for source in sources:
        rows: list[Row] = []
        reason = None
        try:
            for some in score(source, options):
                rows += some
        except InputError as error:
            reason = str(error)
        found.append(Outcome(rows, reason))
    return found


def replay(outcome: Outcome) -> Iterator[list[Row]]:
    """An outcome as ``score`` would have given it."""
    yield outcome.rows
    if outcome.reason is not None:
        raise InputError.told(outcome.reason)


def row_of(source: Source, face: Face, frame: int | None = None, seconds: float | None = None) -> Row:
    """A face as a row, its figures rounded to what they are worth."""
    shares = (round(float(share), 4) for share in face.probabilities)
    time = None if seconds is None else round(seconds, 3)
    return (source.path, frame, time, face.number, *map(int, face.box), *shares, face.label, face.certain)


def copy_of(source: Source, folder: str, suffix: str) -> Path:
    """Where an annotated copy of a source goes; its folder is there."""
    path = Path(folder) / source.place
    path = path.with_name(path.name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _picture(source: Source, options: Options) -> list[Row]:
    from features.pictures import read_rgb
    from scene import faces_in

    rgb = read_rgb(source.path)
    faces = faces_in(rgb, recognizer(options.model, options.threads), options.threshold)
    if options.annotate is not None:
        from PIL import Image

        from drawing import annotated

        Image.fromarray(annotated(rgb, faces)).save(copy_of(source, options.annotate, ".png"))
    return [row_of(source, face) for face in faces]
