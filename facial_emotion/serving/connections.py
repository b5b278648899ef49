"""HTTP connections that end: idle ones, those that send no request or read no answer, and those above a number.

uvicorn closes a connection that is idle after an answer, but waits for ever for the first or the next request's head,
and for a client to read what it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections import Counter
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from facial_emotion import limits
from facial_emotion.terminal import note

BACKLOG = 64  # connections that the system accepts at once
_DESCRIPTORS = 128  # of the process for everything else than connections


class Server(uvicorn.Server):
    """uvicorn, which says where it listens: its own line is logged below the level that is shown."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; the process ends where the address can't be had."""
        await super().startup(sockets)
        if self.started:
            note(f"{url_of(self.config.host, self.config.port)}: listening")


def url_of(host: str, port: int) -> str:
    """The address of a server; one of IPv6 stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Connection(H11Protocol):
    """A connection of uvicorn that ends where its client neither sends nor reads in time, or takes others' places."""

    _timer: asyncio.TimerHandle | None = None
    _before: object = None  # the request that had been answered last at the last look; itself where one was not yet
    _read_before = _stuck = 0  # bytes that were read at the last look; looks since which too few are

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for it if it is one too many: without descriptors nothing could be accepted or opened."""
        self._counted = _Counted(transport)
        super().connection_made(self._counted)  # type: ignore[arg-type]
        self._timer = self.loop.call_later(limits.HEAD_SECONDS, self._look)
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _look(self) -> None:
        """End the connection where its client does nothing, and look again later if not."""
        unread = self._counted.unread()
        read = self._counted.written - unread
        self._stuck = self._stuck + 1 if unread and read - self._read_before < limits.READ_BYTES else 0
        self._read_before = read
        if self._stuck >= limits.UNREAD_LOOKS:
            self._cut()
            return
        # Between two requests uvicorn counts the time, but for a request that has begun to arrive.
        between = self.timeout_keep_alive_task is not None and not self.conn.trailing_data[0]
        if self._idle and self.cycle is self._before and not between:
            self._counted.close()  # it ends when what was sent is read, which the next looks see to
        self._before = self.cycle if self._idle else self
        self._timer = self.loop.call_later(limits.HEAD_SECONDS, self._look)

    def _make_room(self) -> None:
        """If there are too many, end the oldest that waits for its client, of the client with most; or this one."""
        if len(self.connections) <= _most():
            return
        others: Any = self.connections - {self}  # all are of this class
        others = [each for each in others if not each._counted.is_closing()]
        if len(others) < _most():
            return
        waiting = [each for each in others if each._idle or each._stuck]
        most = Counter(_address(each) for each in waiting).most_common(1)
        busiest = [each for each in waiting if _address(each) == most[0][0]]
        oldest = min(busiest, key=lambda each: each._counted.opened, default=self)
        oldest._cut()

    def _cut(self) -> None:
        """End the connection at once; what its client has not read is given up."""
        with contextlib.suppress(OSError):
            connection = self._counted.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._counted.abort()


class _Counted:
    """A transport that counts the bytes that are written to it, and knows when it was opened."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self.written = transport, 0
        self.opened = asyncio.get_running_loop().time()

    def write(self, data: bytes) -> None:
        """Write to the transport."""
        self.written += len(data)
        self._transport.write(data)

    def unread(self) -> int:
        """The number of these bytes that the client has not taken; the system's queue counts on Linux."""
        size = int(self._transport.get_write_buffer_size())
        with contextlib.suppress(ImportError, OSError, AttributeError, ValueError):
            import fcntl
            import termios

            queue = fcntl.ioctl(self._transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
            size += int.from_bytes(queue, sys.byteorder)
        return size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _address(connection: Any) -> object:
    """The address of a connection's client."""
    return connection.client[0] if connection.client else None


def _most() -> int:
    """How many connections there may be: with the limit of the process, fewer than it may open files."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return limits.CONNECTIONS
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = limits.CONNECTIONS
    return most if files == resource.RLIM_INFINITY else max(8, min(most, files - BACKLOG - _DESCRIPTORS))
