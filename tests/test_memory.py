"""Large pages are asked for where the system has them, and change nothing else."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

from facial_emotion import memory

MODE = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def large_kilobytes() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("AnonHugePages:")).split()[1])


@pytest.mark.skipif(not MODE.exists() or "[never]" in MODE.read_text(), reason="needs Linux with large pages")
def test_memory_moves_into_large_pages_with_its_content() -> None:
    memory_map = mmap.mmap(-1, 32_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    values = np.frombuffer(memory_map, dtype=np.int64)
    values[:] = np.arange(4_000_000)
    before = large_kilobytes()
    memory.use_large_pages()
    if large_kilobytes() == before:
        advise, start = memory._madvise(), -(-values.ctypes.data // memory._LARGE) * memory._LARGE
        assert advise is not None
        if advise(start, memory._LARGE, memory._MADV_COLLAPSE):
            pytest.skip("the system refuses to collapse pages: Linux before 6.1, or no memory in one piece")
    assert large_kilobytes() - before >= 16_000
    assert np.array_equal(values, np.arange(4_000_000))


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
