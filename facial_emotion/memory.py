"""How the process's memory is kept, on Linux: models in large pages, and what is freed returned to the system.

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
_MAPS, _SETTINGS = Path("/proc/self/smaps"), Path("/sys/kernel/mm/transparent_hugepage")
_STATUS = Path("/proc/self/status")
_USED = 0.9  # of a range; the rest becomes memory in use
_MMAP_THRESHOLD, _BLOCK = -3, 2**20  # glibc's M_MMAP_THRESHOLD, and bytes
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
            with contextlib.suppress(RuntimeError):  # no more threads: then without
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
    """The C library's function of this name, on Linux where it gives large pages of 2 MB to those who ask."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        size = int((_SETTINGS / "hpage_pmd_size").read_text())
        if size == _LARGE and "[never]" not in (_SETTINGS / "enabled").read_text():
            function = ctypes.CDLL(None).madvise
            function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
            return function
    return None


def _allocated() -> Iterator[tuple[int, int]]:
    """The first and last address of each range of allocated memory that is in use, but for a tenth, by small pages.

    Ranges whose owner asked for small pages are left out.
    """
    wanted, start, stop, used, small = False, 0, 0, 0, 0
    with contextlib.suppress(OSError):
        for line in _MAPS.read_bytes().splitlines():
            words = line.split()
            if not words[0].endswith(b":"):  # 55d0c0000000-55d0c8000000 rw-p 00000000 00:00 0 [heap]
                start, stop = (int(word, 16) for word in words[0].split(b"-"))
                wanted = words[1] == b"rw-p" and words[4:] in ([b"0"], [b"0", b"[heap]"])
            elif words[0] == b"Rss:":
                used = 1024 * int(words[1])
            elif words[0] == b"AnonHugePages:":
                small = used - 1024 * int(words[1])
            elif words[0] == b"VmFlags:":
                wanted = wanted and b"nh" not in words  # no huge pages
                if wanted and small >= _LARGE and used >= _USED * (stop - start):
                    yield start, stop


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
