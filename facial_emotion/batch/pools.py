"""Who scores: this process, several of this machine, or the workers of a Dask cluster. Results come in order."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from facial_emotion.batch.output import Output
from facial_emotion.batch.rows import Options, Outcome, ProgressCallback, Row
from facial_emotion.batch.score import outcomes, replay, score
from facial_emotion.batch.sources import Source
from facial_emotion.cluster import connect
from facial_emotion.errors import InputError
from facial_emotion.workers import begin

_CHUNK = 16  # pictures that go to a worker at once
_AHEAD = 4  # chunks for each worker that are under way
Scored = Iterator[tuple[Source, Iterator[list[Row]]]]


def here(sources: Iterable[Source], options: Options, progress: ProgressCallback) -> Scored:
    """One source after the other, in this process."""
    for source in sources:
        yield source, score(source, options, progress)


def processes(sources: Iterable[Source], options: Options, count: int) -> Scored:
    """On several processes of this machine."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, begin) as pool:
        try:
            yield from _in_order(sources, lambda chunk: pool.submit(outcomes, chunk, options), count * _AHEAD)
        except BrokenProcessPool as error:
            advice = "was there enough memory? go on with --resume"
            raise InputError("processes", f"{count} that go on", "one that died", advice) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def cluster(sources: Iterable[Source], options: Options, address: str, count: int) -> Scored:
    """On a Dask cluster, "tcp://…", or on one of ``count`` workers made for it here, "local".

    A worker that dies loses nothing: what it had is given to another.
    """
    with connect(address, count) as client:
        submit = lambda chunk: client.submit(outcomes, chunk, options, pure=False, retries=3)  # noqa: E731
        yield from _in_order(sources, submit, max(1, len(client.nthreads())) * _AHEAD)


def collect(scored: Scored, output: Output, step: Callable[[], object]) -> None:
    """Write what is scored, source by source; one that can't be read (on) is listed, and the rest goes on."""
    for source, rows_of_source in scored:
        try:
            for rows in rows_of_source:
                output.add(rows)
        except InputError as error:
            output.fail(source, str(error))
        output.close_source()
        step()


def _in_order(sources: Iterable[Source], submit: Callable[[list[Source]], Any], ahead: int) -> Scored:
    """Chunks are worked on at once, so many ahead, and given back in their order. A video is a chunk of its own."""
    waiting: deque[tuple[list[Source], Any]] = deque()
    chunks = _chunks(sources)
    for chunk in itertools.chain(chunks, itertools.repeat(None)):
        if chunk is not None:
            waiting.append((chunk, submit(chunk)))
        if not waiting:
            return
        if chunk is None or len(waiting) >= ahead:
            done, future = waiting.popleft()
            found: list[Outcome] = future.result()
            yield from ((source, replay(outcome)) for source, outcome in zip(done, found, strict=True))


def _chunks(sources: Iterable[Source]) -> Iterator[list[Source]]:
    chunk: list[Source] = []
    for source in sources:
        if chunk and (len(chunk) == _CHUNK or source.kind != "picture" or chunk[-1].kind != "picture"):
            yield chunk
            chunk = []
        chunk.append(source)
    if chunk:
        yield chunk
