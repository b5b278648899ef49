"""Options of a batch run, and the rows of its results: one row per face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facial_emotion import recognizers
from facial_emotion.errors import shown
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DEFAULT_SEARCH, Search
from facial_emotion.shares import resolved
from facial_emotion.threads import limit_threads

if TYPE_CHECKING:
    from facial_emotion.batch.sources import Source
    from facial_emotion.recognizers import Recognizer
    from facial_emotion.scene import Face

COLUMNS = (
    *("source", "frame", "seconds", "page", "face", "left", "top", "right", "bottom", "detection"),
    *(*EMOTIONS, "label", "certain"),
)
_PLACE = COLUMNS.index("face")  # the number of columns that say where a face is found
Row = tuple[Any, ...]  # one value per column; frame and seconds are None for a picture, page but for a file of several
ProgressCallback = Callable[[str], None]  # receives a description of a video's progress


@dataclass(frozen=True)
class Options:
    """Options of a batch run. model: a trained model's name; search: how faces are looked for.

    threads: of a process; pictures take one each, several at once, and a video all of them. every: process every N-th
    frame of a video; fps: or that many frames per second; smoothing: time constant in seconds, 0 disables; annotate: a
    folder for annotated copies, which have the places there that their sources have in ``root``; seconds: duration of a
    camera recording; without_face: whether pictures and frames without a face get a row too; excel: a CSV with
    semicolons and decimal commas; shares: how common the emotions are there, a text as of ``shares.check``.
    """

    model: str
    threads: int = 2
    search: Search = DEFAULT_SEARCH
    every: int = 1
    fps: float | None = None
    smoothing: float = 0.3
    annotate: str | None = None
    root: str = ""
    seconds: float | None = None
    without_face: bool = False
    excel: bool = False
    shares: str = ""


@dataclass(frozen=True)
class Outcome:
    """The rows of a source; reason: the error message where it could not be read completely."""

    rows: list[Row]
    reason: str | None = None


def row_of(source: Source, face: Face, *place: float | None) -> Row:
    """A face as a row; probabilities rounded to four decimals. place: as of ``empty_row``."""
    probabilities = (round(float(probability), 4) for probability in face.probabilities)
    where = (*map(int, face.box), round(face.detection, 4))
    return (*empty_row(source, *place)[:_PLACE], face.number, *where, *probabilities, face.label, face.certain)


def empty_row(
    source: Source, frame: float | None = None, seconds: float | None = None, page: float | None = None
) -> Row:
    """The row of a picture, page or frame without a face: its place alone, seconds rounded to three decimals."""
    time = None if seconds is None else round(seconds, 3)
    return (shown(source.path), frame, time, page, *(None for _ in COLUMNS[_PLACE:]))


def is_empty(row: Row) -> bool:
    """Whether a row is that of a picture or frame without a face."""
    return row[COLUMNS.index("face")] is None


def recognizer(options: Options, threads: int) -> Recognizer:
    """The model, which ``recognizers.load`` caches, on so many threads, as is the search for faces."""
    limit_threads(threads)
    found = recognizers.load(options.model, threads)
    return found.with_shares(resolved(options.shares, found.card)) if options.shares else found
