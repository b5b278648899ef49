"""The server's pool of worker processes: each has one request at a time, and a deadline for it.

A worker that overruns is killed and replaced; no other request is touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import pickle
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from facial_emotion import limits, recognizers
from facial_emotion.errors import Error, InputError
from facial_emotion.features.faces import Search
from facial_emotion.serving import worker
from facial_emotion.serving.schema import ApiError, Limits, starting, too_slow
from facial_emotion.terminal import note

Models = dict[str, str]  # the fingerprints of the served models, by name


class Worker:
    """A worker process, and the connection to it."""

    def __init__(self, models: Models, pixels: int) -> None:
        self._models, self._pixels = models, pixels
        self._process: BaseProcess | None = None
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._loaded = False

    async def start(self) -> None:
        """Start the process and wait until it has loaded all models. Raises InputError where it can't."""
        self.stop()
        ours, theirs = socket.socketpair()
        with theirs:
            self._connection = await asyncio.open_connection(sock=ours)
            try:
                await asyncio.to_thread(self._launch, theirs)
            except (OSError, RuntimeError, MemoryError) as error:
                raise InputError("worker", "a process and memory for it", str(error)) from error
        try:
            failure = await self._answer()
        except (EOFError, OSError):
            failure = "a worker died while it loaded the models"
        if failure is not None:
            raise InputError(failure)
        self._loaded = True

    def _launch(self, connection: socket.socket) -> None:
        if self._process is not None:
            self._process.join()  # it was killed
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=worker.run, args=(connection, self._models, self._pixels), daemon=True)
        process.start()
        self._process = process

    async def ask(self, request: worker.Request, seconds: float) -> worker.Answer:
        """The answer to a request. Raises ApiError where it takes longer or the process dies; it is dead then."""
        assert self._connection is not None
        try:
            async with asyncio.timeout(seconds):
                self._connection[1].write(worker.pack(request))
                answer: worker.Answer = await self._answer()
        except TimeoutError as error:
            self.stop()
            raise too_slow() from error
        except (EOFError, OSError) as error:
            self.stop()
            raise ApiError(500, "crashed", "a worker died while it processed this picture") from error
        except BaseException:  # its answer, if it comes, would be taken for the next request's
            self.stop()
            raise
        return answer

    async def _answer(self) -> Any:
        """What the process sends next. Raises EOFError or OSError where it dies first."""
        assert self._connection is not None
        reader = self._connection[0]
        size = int.from_bytes(await reader.readexactly(worker.HEAD))
        return pickle.loads(await reader.readexactly(size))

    @property
    def alive(self) -> bool:
        """Whether the process has loaded the models and runs; its connection ends with it."""
        return self._loaded and self._connection is not None and not self._connection[0].at_eof()

    def memory_mb(self) -> float | None:
        """The memory of the process, a page that several share counted in parts (Linux); None where that is unknown."""
        with contextlib.suppress(OSError, StopIteration, AttributeError):
            lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines()  # type: ignore[union-attr]
            return int(next(line.split()[1] for line in lines if line.startswith("Pss:"))) * 1024 / 1e6
        return None

    def stop(self) -> None:
        """Kill the process."""
        self._loaded = False
        if self._process is not None and self._process.pid is not None:
            self._process.kill()
        if self._connection is not None:
            self._connection[1].close()


class WorkerPool:
    """A pool of worker processes. pending: requests that were admitted and not yet answered.

    failure: why a worker did not start again, while it does not; on_failure: called with the error after some tries.
    """

    def __init__(
        self, names: tuple[str, ...], workers: int, limited: Limits, on_failure: Callable[[BaseException], None]
    ) -> None:
        # A model that changes on the disk while the server runs is not taken: all workers answer with the same models.
        models = {name: recognizers.fingerprint(name) for name in names}
        self._workers = [Worker(models, limited.pixels) for _ in range(workers)]
        self._limits, self._on_failure = limited, on_failure
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._opened = self._closed = False
        self.pending, self.failure = 0, ""

    @property
    def ready(self) -> bool:
        """Whether all workers have loaded the models, and at least one of them is alive now."""
        return self._opened and any(each.alive for each in self._workers)

    async def open(self) -> None:
        """Start the workers; returns when all have loaded the models. Raises InputError where one can't."""
        await asyncio.gather(*(each.start() for each in self._workers))
        for each in self._workers:
            self._idle.put_nowait(each)
        self._opened = True
        note(f"ready; workers: {len(self._workers)}{self._memory()}")
        gc.collect()
        gc.freeze()  # what is loaded stays, as in the workers

    def _memory(self) -> str:
        """How much memory the workers take, in words; nothing where the system does not tell."""
        megabytes = [each.memory_mb() for each in self._workers]
        known = [size for size in megabytes if size is not None]
        return f", {sum(known) / len(known):.0f} MB of memory each" if known else ""

    def close(self) -> None:
        """Kill the workers."""
        self._closed = True
        for each in self._workers:
            each.stop()

    @contextmanager
    def admitted(self) -> Iterator[float]:
        """A place for a request, from before its body is read; yields the time by which it must be answered.

        Raises ApiError where no place is free, or before the models are loaded.
        """
        self.revive()
        if not self.ready:
            raise starting(self.failure)
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
        try:
            if await left():
                raise ApiError(503, "left", "the client has left")
            if time.monotonic() >= deadline:
                raise TimeoutError
        except BaseException:
            self._idle.put_nowait(free)
            raise
        request = (model, content, self._limits.pixels, search)
        # Where the waiting ends early, the work does not: the worker must be free before it gets the next request.
        task = asyncio.create_task(self._ask(free, request, deadline))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    async def _ask(self, asked: Worker, request: worker.Request, deadline: float) -> worker.Answer:
        """A worker's answer. It is idle then, or being replaced if it is dead."""
        try:
            return await asked.ask(request, deadline - time.monotonic())
        finally:
            if asked.alive:
                self._idle.put_nowait(asked)
            else:
                self._replace(asked)

    def revive(self) -> None:
        """Replace workers that died while they had no request."""
        for _ in range(self._idle.qsize()):
            idle = self._idle.get_nowait()
            if idle.alive:
                self._idle.put_nowait(idle)
            else:
                idle.stop()
                self._replace(idle)

    def _replace(self, dead: Worker) -> None:
        """Start a worker anew; it takes requests when it has loaded the models."""
        if not self._closed:
            replacing = asyncio.create_task(self._restart(dead))
            self._tasks.add(replacing)
            replacing.add_done_callback(self._forget)

    async def _restart(self, dead: Worker) -> None:
        """Start a worker anew and use it; after some tries without success the pool has failed."""
        for number in range(1, limits.STARTS + 1):
            try:
                await dead.start()
            except Exception as error:  # whatever it is, the log must say it
                if self._closed:
                    return
                self.failure = str(error)
                note(f"a worker did not start again, try {number} of {limits.STARTS}: {error}")
                if number == limits.STARTS:
                    self._on_failure(error if isinstance(error, Error) else InputError(f"a worker: {error}"))
                    return
                await asyncio.sleep(limits.RESTART_SECONDS * 2 ** (number - 1))
            else:
                self.failure = ""
                self._idle.put_nowait(dead)
                return

    def _forget(self, task: asyncio.Task[Any]) -> None:
        """Let go of a request's task; its error was the client's, who may have left."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
