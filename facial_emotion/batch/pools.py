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

_CHUNK = 16  # pictures per task of another process
_QUEUED = 4  # tasks per worker that are submitted ahead
_RETRIES = 3  # of a task whose Dask worker died
ScoredSources = Iterator[tuple[Source, Iterator[list[Row]]]]


class _Future(Protocol):
    """What the futures of a process pool and of Dask have in common."""

    def result(self) -> list[Outcome]:
        """The outcomes of a chunk."""


def score_here(sources: Iterable[Source], options: Options, progress: ProgressCallback) -> ScoredSources:
    """Score the sources in this process: as many pictures at once as ``options.threads``, videos one by one."""
    from concurrent.futures import ThreadPoolExecutor

    def submit(chunk: list[Source]) -> _Future:
        return pool.submit(score_chunk, chunk, options)

    with ThreadPoolExecutor(options.threads) as pool:
        try:
            for pictures, group in itertools.groupby(sources, lambda source: source.kind == "picture"):
                if pictures:
                    yield from _in_order(group, submit, options.threads * _QUEUED, chunk=1)
                else:
                    yield from ((source, score(source, options, progress)) for source in group)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


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
            return dask.submit(score_chunk, chunk, options, pure=False, retries=_RETRIES)

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


def _in_order(
    sources: Iterable[Source], submit: Callable[[list[Source]], _Future], limit: int, chunk: int = _CHUNK
) -> ScoredSources:
    """Submit chunks, at most ``limit`` at once, and return their results in the order of the sources."""
    pending: deque[tuple[list[Source], _Future]] = deque()
    for task in itertools.chain(_chunks(sources, chunk), itertools.repeat(None)):
        if task is not None:
            pending.append((task, submit(task)))
        if not pending:
            return
        if task is None or len(pending) >= limit:
            first, future = pending.popleft()
            yield from ((source, replay(outcome)) for source, outcome in zip(first, future.result(), strict=True))


def _chunks(sources: Iterable[Source], size: int) -> Iterator[list[Source]]:
    """Chunks of up to ``size`` pictures; a video or camera is a chunk of its own."""
    chunk: list[Source] = []
    for source in sources:
        if chunk and (len(chunk) == size or source.kind != "picture" or chunk[-1].kind != "picture"):
            yield chunk
            chunk = []
        chunk.append(source)
    if chunk:
        yield chunk
