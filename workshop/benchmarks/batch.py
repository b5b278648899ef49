"""Benchmark of batch recognition: one process, several processes, and a local Dask cluster on the same pictures.

    python -m workshop benchmark batch --pictures 10000

It also measures how much the memory of one process grows, and its peak with very many paths, with recognition replaced
by a stub. Figures go to results/batch.json.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from facial_emotion import examples

# With recognition stubbed out, what remains is the cost of sources, journal and ordering.
_STUB = """
import sys
from facial_emotion.batch import run, score
from facial_emotion.batch.sources import Source
name = "/pictures/{:04}/{:08}.jpg".format
run.find_sources = lambda given, left_out: (Source(name(index // 1000, index)) for index in range(int(given[0])))
score.score_picture = lambda source, options: []
from facial_emotion.commands.recognize import main
main(sys.argv[1:], standalone_mode=False)
from facial_emotion.evaluation.timing import peak_memory_mb
print(peak_memory_mb())
"""

_SAMPLING = 0.02  # seconds between two looks at a run's memory

Figures = TypedDict(
    "Figures",
    {
        "pictures": int,
        "model": str,
        "count": int,
        "seconds": dict[str, float],
        "a_second": dict[str, float],
        "speed-up": dict[str, float],
        "same": bool,
        "memory_growth_mb": float,
    },
)


def write_pictures(folder: Path, count: int) -> None:
    """Write JPEGs of 320 x 240 with one face each, at varying positions."""
    import numpy as np
    from PIL import Image

    portrait = examples.portrait()[:240, 60:380]
    for index in range(count):
        shifted = np.roll(portrait, (index % 41) - 20, axis=1)
        Image.fromarray(shifted).save(folder / f"{index:05}.jpg", quality=85)


def time_run(folder: Path, out: Path, model: str, *options: str) -> tuple[float, float]:
    """Seconds of ``facial-emotion recognize`` on a folder, including the start of the process, and its memory growth.

    The growth is that of the process itself, in MB, from the first twentieth of the time to its largest later on.
    """
    import psutil

    arguments = ["recognize", str(folder), "--model", model, "--out", str(out), *options]
    command = [sys.executable, "-m", "facial_emotion", *arguments]
    memory = []
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        process = psutil.Process(program.pid)
        while program.poll() is None:
            with suppress(psutil.Error):
                memory.append(process.memory_info().rss / 1e6)
            time.sleep(_SAMPLING)
        seconds = time.perf_counter() - start
        if program.returncode:
            errors.seek(0)
            raise subprocess.CalledProcessError(program.returncode, command, stderr=errors.read())
    settled = max(1, len(memory) // 20)
    return seconds, max(memory[settled:]) - max(memory[:settled])


def measure(pictures: int, model: str, count: int) -> Figures:
    """Seconds, pictures per second and speed-up of each way of execution; whether all wrote the same file.

    count: of processes, and of the cluster's workers.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        folder.mkdir()
        write_pictures(folder, pictures)
        several = ("--processes", str(count))
        ways = {"one process": (), "processes": several, "cluster": (*several, "--cluster", "local")}
        outputs = {name: Path(scratch) / f"{name}.csv" for name in ways}
        runs = {name: time_run(folder, outputs[name], model, *options) for name, options in ways.items()}
        spent = {name: seconds for name, (seconds, _) in runs.items()}
        same = len({out.read_bytes() for out in outputs.values()}) == 1
    return {
        "pictures": pictures,
        "model": model,
        "count": count,
        "seconds": spent,
        "a_second": {name: pictures / seconds for name, seconds in spent.items()},
        "speed-up": {name: spent["one process"] / seconds for name, seconds in spent.items()},
        "same": same,
        "memory_growth_mb": runs["one process"][1],
    }


def measure_memory(paths: int) -> float:
    """Peak memory in MB of a run over ``paths`` paths with recognition stubbed out."""
    with tempfile.TemporaryDirectory() as scratch:
        out = str(Path(scratch) / "none.csv")
        command = [sys.executable, "-c", _STUB, str(paths), "--model", "lightgbm", "--out", out]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])
