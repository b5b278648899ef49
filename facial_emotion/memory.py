"""Large pages for the memory of models, on Linux.

Trees and networks are read in random order, so that finding the address of a page of 4 KB often costs more than reading
it. A page of 2 MB needs one address for 512 of these.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_LARGE = 2**21  # bytes of a large page
_MADV_HUGEPAGE, _MADV_COLLAPSE = 14, 25  # of Linux's madvise: in large pages in time, and at once (Linux 6.1)
_MAPS = Path("/proc/self/smaps")
_PART = 4 * _LARGE  # what is moved at once
_REST = 3.0  # in the background: a quarter of the time
_WAITS = (1, 4, 16, 64)  # seconds: a program that ends sooner does without, and first answers allocate more

_starting = threading.Lock()
_thread: threading.Thread | None = None


def use_large_pages_soon() -> None:
    """Call ``use_large_pages`` some times in the next minute or two, in a background thread."""
    global _thread
    with _starting:
        if _madvise() is not None and (_thread is None or not _thread.is_alive()):
            _thread = threading.Thread(target=_use_now_and_then, name="large pages", daemon=True)
            _thread.start()


def _use_now_and_then() -> None:
    for seconds in _WAITS:
        time.sleep(seconds)
        use_large_pages(_REST)


def use_large_pages(rest: float = 0.0) -> None:
    """Move what this process has allocated so far into large pages; nothing changes where the system has none.

    rest: how long to rest after each part, in times of what it took, as other threads wait for memory meanwhile.
    """
    advise = _madvise()
    if advise is None:
        return
    for start, stop in _allocated():
        first, last = -(-start // _LARGE) * _LARGE, stop // _LARGE * _LARGE
        for part in range(first, last, _PART):
            began = time.perf_counter()
            size = min(_PART, last - part)
            advise(part, size, _MADV_HUGEPAGE)
            advise(part, size, _MADV_COLLAPSE)
            time.sleep(rest * (time.perf_counter() - began))


@functools.cache
def _madvise() -> Callable[[int, int, int], int] | None:
    """The C library's function of this name, on Linux."""
    with contextlib.suppress(OSError, AttributeError):
        if _MAPS.exists():
            function = ctypes.CDLL(None).madvise
            function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
            return function
    return None


def _allocated() -> Iterator[tuple[int, int]]:
    """The first and last address of each range of allocated memory that is mostly in use, and has small pages."""
    wanted, start, stop, used = False, 0, 0, 0
    with contextlib.suppress(OSError):
        for line in _MAPS.read_text().splitlines():
            words = line.split()
            if not words[0].endswith(":"):  # 55d0c0000000-55d0c8000000 rw-p 00000000 00:00 0 [heap]
                start, stop = (int(word, 16) for word in words[0].split("-"))
                wanted = words[1] == "rw-p" and words[4:] in (["0"], ["0", "[heap]"])
            elif words[0] == "Rss:":
                used = 1024 * int(words[1])
            elif words[0] == "AnonHugePages:" and wanted:
                small = used - 1024 * int(words[1])
                if small >= _LARGE and used >= (stop - start) // 2:
                    yield start, stop
