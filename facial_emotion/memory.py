"""How the process's memory is kept, on Linux: within a limit, and what is freed returned to the system."""

from __future__ import annotations

import contextlib
import ctypes
import functools
from pathlib import Path

_STATUS = Path("/proc/self/status")
_MMAP_THRESHOLD, _BLOCK = -3, 2**20  # glibc's M_MMAP_THRESHOLD, and bytes


def limit_growth(size: int) -> None:
    """Let this process allocate so many bytes more than it has, on Linux; then allocations fail, as MemoryError."""
    with contextlib.suppress(OSError, ImportError, StopIteration, ValueError):
        import resource

        lines = _STATUS.read_text().splitlines()
        used = 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmData:")))
        hardest = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = used + size if hardest == resource.RLIM_INFINITY else min(used + size, hardest)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hardest))


@functools.cache
def return_memory() -> None:
    """Have blocks of a megabyte and more returned to the system as soon as they are freed, where glibc has them.

    By default it keeps them, and so the memory for the pictures of viewers who left.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_MMAP_THRESHOLD, _BLOCK)
