"""How fast a recognizer is, and what it costs to start: measured here and now.

Latency is taken one crop at a time after a warm-up, on a stated number of threads. What a process needs from its start
to its first answer is measured in a fresh process for each model.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.recognizers import Recognizer, load
from facial_emotion.records import ColdStart, Latency

Result = TypeVar("Result")
WARM_UP = 20
BATCH = 64


def latency(recognizer: Recognizer, crops: np.ndarray, rounds: int = 200) -> dict[str, Latency]:
    """Milliseconds for one crop, median and p95, of each step and from crop to label."""
    singles = [crops[index % len(crops)][None] for index in range(rounds + 1)]
    for single in singles[:WARM_UP]:
        recognizer.predict_proba(single)
    spent: dict[str, list[float]] = {name: [] for name, _ in recognizer.steps}
    for single in singles[:rounds]:
        value: Any = single
        for name, step in recognizer.steps:
            value, seconds = timed(step, value)
            spent[name].append(seconds)
    order = iter(singles)
    whole = repeated(lambda: recognizer.predict_proba(next(order)), rounds)
    return {**{name: summary(values) for name, values in spent.items()}, "crop to label": whole}


def repeated(function: Callable[[], object], rounds: int) -> Latency:
    """Milliseconds of a call, median and p95, after one call that does not count."""
    function()
    return summary([timed(function)[1] for _ in range(rounds)])


def throughput(recognizer: Recognizer, crops: np.ndarray, rounds: int = 5) -> float:
    """Crops a second in batches of 64, median of some rounds."""
    batch = np.resize(crops, (BATCH, *crops.shape[1:]))
    recognizer.predict_proba(batch)
    return BATCH / float(np.median([timed(recognizer.predict_proba, batch)[1] for _ in range(rounds)]))


def timed(function: Callable[..., Result], *values: object) -> tuple[Result, float]:
    """A call's answer and its seconds."""
    start = time.perf_counter()
    answer = function(*values)
    return answer, time.perf_counter() - start


def cold_start(name: str, threads: int, root: Path) -> ColdStart:
    """What a new process needs for its first answer with a model.

    Seconds from process start to first answer, imports included; seconds of loading alone; and the
    process's peak memory in MB.
    """
    command = [sys.executable, "-m", "facial_emotion.evaluation.timing", name, str(threads), str(root)]
    start = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"model {name}", "a first answer", done.stderr.strip().splitlines()[-1])
    measured = json.loads(done.stdout)
    return ColdStart(measured["answered"] - start, measured["load_s"], measured["peak_memory_mb"])


def summary(seconds: list[float]) -> Latency:
    """Median and p95 of some seconds, in milliseconds."""
    median, p95 = np.percentile(seconds, [50, 95]) * 1000
    return Latency(float(median), float(p95))


def memory_mb() -> float:
    """The memory that this process holds now."""
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


def peak_memory_mb() -> float:
    """The largest memory that this process held."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux; its getrusage would count what the parent process held
        kilobytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kilobytes) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes, on macOS


def _first_answer(name: str, threads: int, root: Path) -> None:
    """Load a model and answer once; what ``cold_start`` runs in a process of its own."""

    crop = np.tile(np.arange(48, dtype=np.uint8) * 5, (1, 48, 1))
    recognizer, load_s = timed(lambda: load(name, threads, root))
    recognizer.predict_proba(crop)
    print(json.dumps({"answered": time.time(), "load_s": load_s, "peak_memory_mb": peak_memory_mb()}))


if __name__ == "__main__":
    _first_answer(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
