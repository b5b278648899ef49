"""HTTP connections that end: idle ones, those whose request does not arrive, and those above a number.

uvicorn closes a connection that is idle after an answer, but waits for ever for the first or the next request's head.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

_SECONDS = 5.0  # in which the head of a request must arrive; between one and two times as long are given
BACKLOG = 64  # connections that the system accepts at once
_DESCRIPTORS = 128  # of the process for everything else than connections
_MOST = 1000  # connections


class Connection(H11Protocol):
    """A connection of uvicorn that is closed where no request is being answered and none has arrived in time."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Close it at once if it is one too many: without descriptors nothing could be accepted or opened."""
        super().connection_made(transport)
        if len(self.connections) > _most():
            transport.abort()
        else:
            self._timer = self.loop.call_later(_SECONDS, self._look, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self, before: object) -> None:
        """Close the connection if it has been idle since the look before, and look again later if not.

        before: the request that had been answered last; anything else where one was being answered.
        """
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.cycle is before:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(_SECONDS, self._look, self.cycle if idle else self)


def _most() -> int:
    """How many connections there may be: with the limit of the process, fewer than it may open files."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return _MOST
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST if files == resource.RLIM_INFINITY else max(8, min(_MOST, files - BACKLOG - _DESCRIPTORS))
