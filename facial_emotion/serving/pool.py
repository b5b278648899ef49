"""The server's pool of worker processes: each has one request at a time, and a deadline for it.

A worker that overruns is killed and replaced; no other request is touched.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from facial_emotion import recognizers
from facial_emotion.errors import InputError
from facial_emotion.features.faces import Search
from facial_emotion.serving import worker
from facial_emotion.serving.schema import ApiError, Limits, starting, too_slow

Models = dict[str, str]  # the fingerprints of the served models, by name


class Worker:
    """A worker process. Its methods block, and are called by one thread at a time."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        """Start the process and wait until it has loaded all models. Raises InputError where it can't."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=worker.run, args=(theirs, self._models), daemon=True)
        self._process.start()
        theirs.close()
        try:
            failure: str | None = self._connection.recv()
        except EOFError:
            failure = "a worker died while it loaded the models"
        if failure is not None:
            raise InputError(failure)

    def ask(self, request: worker.Request, seconds: float) -> worker.Answer:
        """The answer to a request. Raises ApiError where it takes longer or the process dies; it is dead then."""
        assert self._connection is not None
        try:
            self._connection.send(request)
            if not self._connection.poll(max(0.0, seconds)):
                self.stop()
                raise too_slow()
            answer: worker.Answer = self._connection.recv()
        except (EOFError, OSError) as error:
            self.stop()
            raise ApiError(500, "crashed", "a worker died while it processed this picture") from error
        return answer

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    def stop(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()


class WorkerPool:
    """A pool of worker processes. pending: requests that were admitted and not yet answered."""

    def __init__(self, names: tuple[str, ...], workers: int, limits: Limits) -> None:
        # A model that changes on the disk while the server runs is not taken: all workers answer with the same models.
        models = {name: recognizers.fingerprint(name) for name in names}
        self._workers = [Worker(models) for _ in range(workers)]
        self._limits = limits
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(workers, "worker")
        self._tasks: set[asyncio.Task[worker.Answer]] = set()
        self._opened = self._closed = False
        self.pending = 0

    @property
    def ready(self) -> bool:
        """Whether all workers have loaded the models, and at least one of them is alive now."""
        return self._opened and any(each.alive for each in self._workers)

    async def open(self) -> None:
        """Start the workers; returns when all have loaded the models. Raises InputError where one can't."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._threads, each.start) for each in self._workers))
        for each in self._workers:
            self._idle.put_nowait(each)
        self._opened = True

    def close(self) -> None:
        """Kill the workers."""
        self._closed = True
        for each in self._workers:
            each.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def admitted(self) -> Iterator[float]:
        """A place for a request, from before its body is read; yields the time by which it must be answered.

        Raises ApiError where no place is free, or before the models are loaded.
        """
        if not self.ready:
            raise starting()
        if self.pending >= self._limits.waiting:
            raise ApiError(503, "busy", f"{self.pending} requests are pending already", {"Retry-After": "1"})
        self.pending += 1
        try:
            yield time.monotonic() + self._limits.seconds
        finally:
            self.pending -= 1

    async def submit(
        self, model: str, content: bytes, search: Search, deadline: float, left: Callable[[], Awaitable[bool]]
    ) -> worker.Answer:
        """The answer of ``worker.recognise``. left: whether the client has left; then nothing is done for it.

        Raises ApiError where a worker dies or the client has left, and TimeoutError at the deadline.
        """
        await left()  # uvicorn stops reading after a long body, and would not see the end of the connection
        async with asyncio.timeout(deadline - time.monotonic()):
            free = await self._idle.get()
        if await left():
            self._idle.put_nowait(free)
            raise ApiError(503, "left", "the client has left")
        request = (model, content, self._limits.pixels, search)
        # Where the waiting ends early, the work does not: the worker must be free before it gets the next request.
        task = asyncio.create_task(self._ask(free, request, deadline))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    async def _ask(self, asked: Worker, request: worker.Request, deadline: float) -> worker.Answer:
        """A worker's answer. It is idle then, or being replaced if it is dead."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, asked.ask, request, deadline - time.monotonic())
        finally:
            if asked.alive:
                self._idle.put_nowait(asked)
            elif not self._closed:
                replacing = asyncio.ensure_future(loop.run_in_executor(self._threads, asked.start))
                replacing.add_done_callback(lambda done: self._put_back(asked, done))

    def _forget(self, task: asyncio.Task[worker.Answer]) -> None:
        """Let go of a request's task; its error was the client's, who may have left."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def _put_back(self, replaced: Worker, done: asyncio.Future[None]) -> None:
        """Use a worker that was started anew; without it, if it did not start."""
        if not done.cancelled() and done.exception() is None:
            self._idle.put_nowait(replaced)
