"""How recognize.py scales on this machine: the same pictures by one process, by several, and by a local Dask cluster.

    facial-emotion benchmark batch --pictures 10000

Then the memory that very many paths take, with a reader that reads nothing. Figures go to artifacts/results/batch.json.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Every source without a face: what is left is the cost of sources, journal and order.
_STUB = """
import sys
from facial_emotion.batch import run, score
from facial_emotion.batch.sources import Source
name = "/pictures/{:04}/{:08}.jpg".format
run.sources = lambda words: (Source(name(index // 1000, index)) for index in range(int(words[0])))
score._picture = lambda source, options: []
from facial_emotion.commands.recognize import main
main(sys.argv[1:], standalone_mode=False)
from facial_emotion.evaluation.timing import peak_memory_mb
print(peak_memory_mb())
"""


def make(folder: Path, count: int) -> None:
    """Pictures of 320 x 240 with one face each, at places that differ."""
    import numpy as np
    from PIL import Image

    from facial_emotion import examples

    portrait = examples.portrait()[:240, 60:380]
    for index in range(count):
        shifted = np.roll(portrait, (index % 41) - 20, axis=1)
        Image.fromarray(shifted).save(folder / f"{index:05}.jpg", quality=85)


def timed(folder: Path, out: Path, model: str, *words: str) -> float:
    """Seconds that recognize.py takes over a folder, from process start to end."""
    began = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "facial_emotion",
        "recognize",
        str(folder),
        "--model",
        model,
        "--out",
        str(out),
        *words,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def measure(pictures: int, model: str, count: int) -> dict[str, Any]:
    """Seconds by one process, by several, and by a cluster of as many workers; whether all wrote the same."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        folder.mkdir()
        make(folder, pictures)
        several = ("--processes", str(count))
        ways = {"one process": (), "processes": several, "cluster": (*several, "--cluster", "local")}
        spent = {name: timed(folder, Path(place) / f"{name}.csv", model, *words) for name, words in ways.items()}
        same = len({(Path(place) / f"{name}.csv").read_bytes() for name in ways}) == 1
    return {
        "pictures": pictures,
        "model": model,
        "count": count,
        "seconds": spent,
        "a_second": {name: pictures / seconds for name, seconds in spent.items()},
        "speed-up": {name: spent["one process"] / seconds for name, seconds in spent.items()},
        "same": same,
    }


def memory(paths: int) -> float:
    """The peak memory in MB of a run over so many paths, without reading them."""
    with tempfile.TemporaryDirectory() as place:
        out = str(Path(place) / "none.csv")
        command = [sys.executable, "-c", _STUB, str(paths), "--model", "lightgbm", "--out", out]
        asked = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(asked.stdout.split()[-1])
