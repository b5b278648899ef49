"""Execution of a batch run: in this process, in several processes, or on a Dask cluster. Results keep their order."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, cast

from facial_emotion.batch.output import Output
from facial_emotion.batch.rows import Options, Outcome, ProgressCallback, Row
from facial_emotion.batch.score import replay, score, score_chunk
from facial_emotion.batch.sources import Source
from facial_emotion.cluster import connect
from facial_emotion.errors import InputError
from facial_emotion.workers import become_worker

_CHUNK = 16  # pictures per task
_QUEUED = 4  # tasks per worker that are submitted ahead
_RETRIES = 3  # of a task whose Dask worker died
ScoredSources = Iterator[tuple[Source, Iterator[list[Row]]]]


class _Future(Protocol):
    """What the futures of a process pool and of Dask have in common."""

    def result(self) -> list[Outcome]:
        """The outcomes of a chunk."""


def score_here(sources: Iterable[Source], options: Options, progress: ProgressCallback) -> ScoredSources:
    """Score the sources one after the other in this process."""
    for source in sources:
        yield source, score(source, options, progress)


def score_in_processes(sources: Iterable[Source], options: Options, count: int) -> ScoredSources:
    """Score the sources in ``count`` processes on this machine."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, become_worker) as pool:
        try:
            yield from _in_order(sources, lambda chunk: pool.submit(score_chunk, chunk, options), count * _QUEUED)
        except BrokenProcessPool as error:
            advice = "check the free memory, then continue with --resume"
            raise InputError("processes", f"{count} running processes", "one that died", advice) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def score_on_cluster(sources: Iterable[Source], options: Options, address: str, count: int) -> ScoredSources:
    """Score the sources on a Dask cluster, "tcp://…"; with "local", on a new one with ``count`` workers.

    The tasks of a worker that dies are repeated on another.
    """
    with connect(address, count) as client:
        dask: Any = cast("Any", client)  # Dask has no type hints

        def submit(chunk: list[Source]) -> _Future:
            future: _Future = dask.submit(score_chunk, chunk, options, pure=False, retries=_RETRIES)
            return future

        yield from _in_order(sources, submit, max(1, len(dask.nthreads())) * _QUEUED)


def write_results(scored: ScoredSources, output: Output, on_source: Callable[[], object]) -> None:
    """Write the rows source by source; sources that can't be read (further) are listed as failed.

    on_source: called after each source.
    """
    for source, rows_of_source in scored:
        try:
            for rows in rows_of_source:
                output.add(rows)
        except InputError as error:
            output.fail(source, str(error))
        output.close_source()
        on_source()


def _in_order(sources: Iterable[Source], submit: Callable[[list[Source]], _Future], limit: int) -> ScoredSources:
    """Submit chunks, at most ``limit`` at once, and return their results in the order of the sources."""
    pending: deque[tuple[list[Source], _Future]] = deque()
    for chunk in itertools.chain(_chunks(sources), itertools.repeat(None)):
        if chunk is not None:
            pending.append((chunk, submit(chunk)))
        if not pending:
            return
        if chunk is None or len(pending) >= limit:
            first, future = pending.popleft()
            yield from ((source, replay(outcome)) for source, outcome in zip(first, future.result(), strict=True))


def _chunks(sources: Iterable[Source]) -> Iterator[list[Source]]:
    """Chunks of up to ``_CHUNK`` pictures; a video or camera is a chunk of its own."""
    chunk: list[Source] = []
    for source in sources:
        if chunk and (len(chunk) == _CHUNK or source.kind != "picture" or chunk[-1].kind != "picture"):
            yield chunk
            chunk = []
        chunk.append(source)
    if chunk:
        yield chunk
