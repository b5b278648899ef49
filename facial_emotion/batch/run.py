"""A resumable batch run over pictures and videos: the Python interface of ``facial-emotion recognize``.

from facial_emotion.batch.run import Options, recognize
summary = recognize(["holiday/", "party.mp4"], "results.csv", Options("cnn"))
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facial_emotion import recognizers, shares
from facial_emotion.batch import copies, pools
from facial_emotion.batch.output import Output
from facial_emotion.batch.rows import COLUMNS, Options, Row, is_empty
from facial_emotion.batch.score import score
from facial_emotion.batch.sources import CAMERA, LeftOut, Source, find_sources
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Card
from facial_emotion.terminal import bar
from facial_emotion.workers import check_main_guard

ENOUGH = 1000  # faces that shares of emotions are estimated from, where there are as many
__all__ = ["Interrupted", "Options", "Summary", "recognize"]


@dataclass(frozen=True)
class Summary:
    """Counts of a run. failed: path and error message of each source that could not be read completely.

    without_face: pictures and frames without a face; remarks: what was left out, one sentence each; finished_before:
    whether there was nothing to resume, as a finished run had written the results.
    """

    sources: int
    rows: int
    without_face: int
    remarks: list[str]
    failed: list[tuple[str, str]]
    failed_path: Path
    finished_before: bool = False


class Interrupted(KeyboardInterrupt):
    """A run was interrupted by Ctrl-C; ``resume`` continues it after the ``done`` of ``sources`` that are written."""

    def __init__(self, done: int, sources: int) -> None:
        super().__init__(f"{done} of {sources} sources are done; continue with --resume")


def recognize(
    paths: Iterable[str],
    out: str | Path,
    options: Options,
    processes: int = 1,
    cluster: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Summary:
    """Recognise the faces of pictures, folders, videos, patterns or a camera, and write a row for each face to ``out``.

    out: ends in .csv, .jsonl or .parquet. processes: on this machine; cluster: a Dask scheduler instead, or "local";
    resume: go on with an interrupted run, or start where there is none.
    Raises InputError for bad options or a broken model before any source is read, OutputError where ``out`` can't be
    written, and Interrupted on Ctrl-C.
    """
    if options.shares:
        shares.check(options.shares)
    arguments = list(paths)
    from_camera = any(argument.startswith(CAMERA) for argument in arguments)
    if from_camera and (resume or processes > 1 or cluster or options.shares == shares.ESTIMATE):
        found = "--resume, --processes, --cluster or --shares estimate"
        raise InputError("camera", "one process and a new run", found)
    if resume and overwrite:
        raise InputError("--resume", "it without --overwrite", "both")
    if processes > 1 or cluster == "local":
        check_main_guard()
    model = recognizers.load(options.model, threads=1)  # fail once here, not once per source
    sources, options, remarks = _find(arguments, options)
    output = Output(
        Path(out), options, sources, resume, overwrite, lambda: _settle_shares(sources, options, model.card)
    )
    remarks += [f"shares of the emotions, {output.shares}"] if output.shares else []
    settled = replace(options, shares=output.shares.rpartition(" ")[2])
    if output.finished_before:
        failed = output.failed() if output.failures else []
        return Summary(len(sources), 0, 0, remarks, failed, output.failed_path, finished_before=True)
    complete = False
    try:
        _score(sources[output.done :], settled, output, processes, cluster)
        complete = True
    except KeyboardInterrupt as interrupt:
        if not from_camera:  # a camera recording ends with Ctrl-C
            raise Interrupted(output.done, len(sources)) from interrupt
        complete = True
    finally:
        output.close(complete)
    failed = output.failed() if output.failures else []
    return Summary(len(sources), output.rows, output.without_face, remarks, failed, output.failed_path)


def _find(arguments: list[str], options: Options) -> tuple[list[Source], Options, list[str]]:
    """The sources, the options with the folders of annotated copies, and remarks on what was left out."""
    left_out = LeftOut()
    sources = list(find_sources(arguments, left_out))
    if options.annotate is not None:
        sources, left_out.copies = copies.without_copies(sources, options.annotate)
        options = replace(options, annotate=os.path.abspath(options.annotate), root=copies.root(sources))
    if not sources:
        raise InputError(", ".join(arguments), "pictures or videos", "none", "; ".join(left_out.remarks))
    return sources, options, left_out.remarks


def _settle_shares(sources: list[Source], options: Options, card: Card) -> str:
    """The shares of the emotions as words for the results, "estimated:" or "given:" before them; empty for none."""
    if not options.shares:
        return ""
    found = shares.settled(options.shares, card, lambda: _some_faces(sources, options))
    return f"{'estimated' if options.shares == shares.ESTIMATE else 'given'}: {shares.in_words(found)}"


def _some_faces(sources: list[Source], options: Options) -> np.ndarray:
    """Probabilities (n, 7) of faces that shares are estimated from: of whole sources, in any order, until ENOUGH.

    Videos are looked at once a second, or less often where ``fps`` says so.
    """
    quick = replace(options, shares="", annotate=None, smoothing=0.0, fps=min(options.fps or 1.0, 1.0))
    first, end = COLUMNS.index(EMOTIONS[0]), COLUMNS.index(EMOTIONS[-1]) + 1
    faces: list[Row] = []
    with bar("shares of the emotions", ENOUGH) as advance:
        for index in np.random.default_rng(0).permutation(len(sources)):
            with suppress(InputError):  # the run reports what can't be read
                for rows in score(sources[index], quick):
                    found = [row[first:end] for row in rows if not is_empty(row)]
                    faces += found
                    advance(steps=len(found))
            if len(faces) >= ENOUGH:
                break
    return np.array(faces, dtype=np.float32).reshape(-1, len(EMOTIONS))


def _score(sources: list[Source], options: Options, output: Output, processes: int, cluster: str | None) -> None:
    """Score sources, with a progress bar, and write their rows."""
    with bar(output.path.name, len(sources)) as advance:
        if cluster:
            scored = pools.score_on_cluster(sources, options, cluster, processes)
        elif processes > 1:
            scored = pools.score_in_processes(sources, options, processes)
        else:
            scored = pools.score_here(sources, options, lambda description: advance(description, 0))
        pools.write_results(scored, output, advance)
