"""Large pages are asked for where the system has them, and change nothing else."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

from facial_emotion import memory

MODE = Path("/sys/kernel/mm/transparent_hugepage/enabled")

SIZE = 4_000_000


def large_kilobytes() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("AnonHugePages:")).split()[1])


def own_range() -> np.ndarray:
    """Memory of ``SIZE`` int64 that the system doesn't join with the ranges beside it, which may be nearly empty."""
    memory_map = mmap.mmap(-1, 8 * SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory_map.madvise(mmap.MADV_DONTDUMP)  # ranges with different flags stay apart
    return np.frombuffer(memory_map, dtype=np.int64)


def system_refuses() -> bool:
    """Whether some page of other memory of this size can't be made large now."""
    other, advise = own_range(), memory._madvise()
    other[:] = 1
    assert advise is not None
    first = -(-other.ctypes.data // memory._LARGE) * memory._LARGE
    last = (other.ctypes.data + other.nbytes) // memory._LARGE * memory._LARGE
    return any(advise(page, memory._LARGE, memory._MADV_COLLAPSE) for page in range(first, last, memory._LARGE))


@pytest.mark.skipif(not MODE.exists() or "[never]" in MODE.read_text(), reason="needs Linux with large pages")
def test_memory_moves_into_large_pages_with_its_content() -> None:
    values = own_range()
    values[:] = np.arange(SIZE)
    before = large_kilobytes()
    memory.use_large_pages()
    if large_kilobytes() - before < 16_000 and system_refuses():
        pytest.skip("the system refuses to collapse pages: Linux before 6.1, or no memory in large pieces")
    assert large_kilobytes() - before >= 16_000
    assert np.array_equal(values, np.arange(SIZE))


def test_systems_without_large_pages_are_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_SETTINGS", tmp_path)
    memory._madvise.cache_clear()
    before = memory._thread
    try:
        memory.use_large_pages()
        memory.use_large_pages_soon()
        assert memory._madvise() is None
        assert memory._thread is before
    finally:
        memory._madvise.cache_clear()
