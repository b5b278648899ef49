"""One source -> its rows. Run in this process, in others, or on other machines; everything passed is plain data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from facial_emotion.batch.rows import Options, Outcome, ProgressCallback, Row, row_of
from facial_emotion.batch.sources import Source
from facial_emotion.errors import InputError

if TYPE_CHECKING:
    from facial_emotion.recognizers import Recognizer


def recognizer(options: Options) -> Recognizer:
    """The model; ``recognizers.load`` keeps it, so that each process loads it once."""
    from facial_emotion import recognizers
    from facial_emotion.threads import limit_threads

    limit_threads(options.threads)
    return recognizers.load(options.model, options.threads)


def score(source: Source, options: Options, progress: ProgressCallback = lambda news: None) -> Iterator[list[Row]]:
    """The rows of a source, a list for each picture or frame. Raises InputError where it can't be read (on)."""
    if source.kind == "picture":
        yield _picture(source, options)
    else:
        from facial_emotion.batch import video

        yield from video.score(source, options, progress)


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
        raise InputError(outcome.reason)


def copy_of(source: Source, folder: str, suffix: str) -> Path:
    """Where an annotated copy of a source goes; its folder is there."""
    path = Path(folder) / source.place
    path = path.with_name(path.name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _picture(source: Source, options: Options) -> list[Row]:
    from facial_emotion.features.pictures import read_rgb
    from facial_emotion.scene import faces_in

    rgb = read_rgb(source.path)
    faces = faces_in(rgb, recognizer(options), options.threshold)
    if options.annotate is not None:
        from PIL import Image

        from facial_emotion.drawing import annotated

        Image.fromarray(annotated(rgb, faces)).save(copy_of(source, options.annotate, ".png"))
    return [row_of(source, face) for face in faces]
