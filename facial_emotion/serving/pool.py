"""The server's pool of worker processes, with a limit on pending requests."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from facial_emotion.features.faces import Search
from facial_emotion.serving import worker
from facial_emotion.serving.schema import ApiError, Limits, starting


class WorkerPool:
    """A pool of worker processes. pending: requests that are waiting or being processed; ready: models are loaded."""

    def __init__(self, names: tuple[str, ...], workers: int, limits: Limits) -> None:
        self._names, self._workers, self._limits = names, workers, limits
        self._executor: ProcessPoolExecutor | None = None
        self.pending = 0
        self.ready = False

    async def open(self) -> None:
        """Start the workers; returns when the first one has loaded all models."""
        self._executor = self._new_executor()
        await asyncio.wrap_future(self._executor.submit(worker.is_ready))
        self.ready = True

    def close(self) -> None:
        """Stop the workers without waiting for them."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def submit(self, model: str, content: bytes, search: Search) -> worker.PictureData | str:
        """The result of ``worker.recognise``. Raises ApiError at the limit of pending requests or if a worker dies."""
        if not self.ready or self._executor is None:
            raise starting()
        if self.pending >= self._limits.waiting:
            raise ApiError(503, "busy", f"{self.pending} requests are pending already", {"Retry-After": "1"})
        executor, loop = self._executor, asyncio.get_running_loop()
        try:
            future = executor.submit(worker.recognise, model, content, self._limits.pixels, search)
            self.pending += 1
            # A request that timed out stays pending until its worker is free again.
            future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._decrement))
            return await asyncio.wrap_future(future)
        except BrokenProcessPool as error:
            if self._executor is executor:
                self._executor = self._new_executor()
            raise ApiError(500, "crashed", "a worker died while processing this picture or another") from error

    def _decrement(self) -> None:
        self.pending -= 1

    def _new_executor(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, context, worker.initialise, (self._names,))
