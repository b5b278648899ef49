"""Recognition of one source. It runs in this process, in others, or on other machines: arguments are plain data."""

from __future__ import annotations

from collections.abc import Iterator

from facial_emotion.batch import copies, video
from facial_emotion.batch.rows import Options, Outcome, ProgressCallback, Row, empty_row, recognizer, row_of
from facial_emotion.batch.sources import Source
from facial_emotion.drawing import annotated
from facial_emotion.errors import InputError, memory_checked, shown, unwritable
from facial_emotion.features.faces import as_allowed
from facial_emotion.features.pictures import read_pages
from facial_emotion.scene import faces_in


def score(
    source: Source, options: Options, progress: ProgressCallback = lambda description: None
) -> Iterator[list[Row]]:
    """The rows of a source, one list per picture, page or frame; without a face, an empty row.

    Raises InputError where it can't be read (further), and OutOfMemory, which is no fault of the source.
    """
    with memory_checked(shown(source.path), "free some, and continue with --resume"):
        if source.kind not in ("video", "camera"):
            yield from score_picture(source, options)
        else:
            yield from video.score(source, options, progress)


def score_chunk(sources: list[Source], options: Options) -> list[Outcome]:
    """The outcomes of several sources, as plain data for the return from a worker process."""
    outcomes = []
    for source in sources:
        rows: list[Row] = []
        reason = None
        try:
            for frame_rows in score(source, options):
                rows += frame_rows
        except InputError as error:
            reason = str(error)
        outcomes.append(Outcome(rows, reason))
    return outcomes


def replay(outcome: Outcome) -> Iterator[list[Row]]:
    """An outcome in the form of ``score``: the rows, then an InputError if there was one."""
    yield outcome.rows
    if outcome.reason is not None:
        raise InputError(outcome.reason)


def score_picture(source: Source, options: Options) -> Iterator[list[Row]]:
    """The rows of a picture, a list for each page; with ``options.annotate`` also writes annotated copies."""

    for page, rgb in read_pages(source.path):
        faces = faces_in(rgb, recognizer(options, threads=1), *as_allowed(options.search, rgb))
        if options.annotate is not None:
            from PIL import Image

            suffix = ".png" if page is None else f".page{page}.png"
            path = copies.place(source, options.root, options.annotate, suffix)
            try:
                Image.fromarray(annotated(rgb, faces)).save(path)
            except OSError as error:
                raise unwritable(path, error) from error
        yield [row_of(source, face, None, None, page) for face in faces] or [empty_row(source, page=page)]
