"""Many pictures and videos into one file of results, resumable: what ``facial-emotion recognize`` does, for Python.

from facial_emotion.batch.run import Options, recognize
summary = recognize(["holiday/", "party.mp4"], "results.csv", Options("cnn"))
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from facial_emotion import recognizers
from facial_emotion.batch import pools
from facial_emotion.batch.output import Output
from facial_emotion.batch.rows import Options
from facial_emotion.batch.sources import CAMERA, sources
from facial_emotion.errors import InputError
from facial_emotion.terminal import bar

__all__ = ["Options", "Summary", "recognize"]


@dataclass(frozen=True)
class Summary:
    """What a run did. failed: path and reason of each source that could not be read (to its end)."""

    sources: int
    rows: int
    failed: list[tuple[str, str]]
    failed_path: Path


class Stopped(KeyboardInterrupt):
    """Ctrl-C came; ``done`` of ``sources`` are written, and a run with ``resume`` goes on from there."""

    def __init__(self, done: int, sources: int) -> None:
        super().__init__(f"{done} of {sources} are done: go on with --resume")


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

    out: ends in .csv, .jsonl or .parquet. processes: on this machine; cluster: a Dask scheduler instead, or "local".
    Raises InputError for bad options or a broken model before any source is read, OutputError where ``out`` can't be
    written, and Stopped on Ctrl-C.
    """
    words = list(paths)
    watched = any(word.startswith(CAMERA) for word in words)
    if watched and (resume or processes > 1 or cluster):
        raise InputError("camera", "one process, from now on", "--resume, --processes or --cluster")
    recognizers.load(options.model, options.threads)  # an unknown or broken model is one error, not one for each source
    everything = list(sources(words))
    if not everything:
        raise InputError(", ".join(words), "pictures or videos", "none in there")
    options = replace(options, annotate=options.annotate and os.path.abspath(options.annotate))
    output = Output(Path(out), options, everything, resume, overwrite)
    rest = everything[output.done :]
    whole = False
    try:
        with bar(Path(out).name, len(rest)) as step:
            if cluster:
                scored = pools.cluster(rest, options, cluster, processes)
            elif processes > 1:
                scored = pools.processes(rest, options, processes)
            else:
                scored = pools.here(rest, options, lambda news: step(news, 0))
            pools.collect(scored, output, step)
        whole = True
    except KeyboardInterrupt as stopped:
        if not watched:  # nobody goes on with a camera: what was recorded is all
            raise Stopped(output.done, len(everything)) from stopped
        whole = True
    finally:
        output.close(whole)
    failed = output.failed() if output.failures else []
    return Summary(len(everything), output.rows, failed, output.failed_path)
