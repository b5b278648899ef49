"""How recognize.py scales on this machine: the same pictures by one process, by several, and by a local Dask cluster.

    python -m batch.benchmark --pictures 10000

Then the memory that very many paths take, with a reader that reads nothing. Figures go to artifacts/results/batch.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from errors import InputError, run

ROOT = Path(__file__).resolve().parent.parent
FOUND = ROOT / "artifacts" / "results" / "batch.json"
# Every source without a face: what is left is the cost of sources, journal and order.
_STUB = """
import sys
import batch.sources
from batch import score
from batch.sources import Source
name = "/pictures/{:04}/{:08}.jpg".format
batch.sources.sources = lambda words: (Source(name(index // 1000, index)) for index in range(int(words[0])))
score._picture = lambda source, options: []
from recognize import main
main(sys.argv[1:], standalone_mode=False)
from evaluation.timing import peak_memory_mb
print(peak_memory_mb())
"""


def make(folder: Path, count: int) -> None:
    """Pictures of 320 x 240 with one face each, at places that differ."""
    import numpy as np
    from PIL import Image

    import examples

    portrait = examples.portrait()[:240, 60:380]
    for index in range(count):
        shifted = np.roll(portrait, (index % 41) - 20, axis=1)
        Image.fromarray(shifted).save(folder / f"{index:05}.jpg", quality=85)


def timed(folder: Path, out: Path, model: str, *words: str) -> float:
    """Seconds that recognize.py takes over a folder, from process start to end."""
    began = time.perf_counter()
    command = [sys.executable, "recognize.py", str(folder), "--model", model, "--out", str(out), *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
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
        asked = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(asked.stdout.split()[-1])


@click.command(epilog="Example: python -m batch.benchmark --pictures 2000 --count 4")
@click.option("--pictures", default=10_000, show_default=True, type=click.IntRange(1))
@click.option("--model", default="lightgbm", show_default=True, help="A trained model's name.")
@click.option("--count", default=2, show_default=True, type=click.IntRange(2), help="Processes, and workers.")
@click.option("--paths", default=1_000_000, show_default=True, type=click.IntRange(1))
@click.option("--out", type=click.Path(path_type=Path), help="By default artifacts/results/batch.json.")
def main(pictures: int, model: str, count: int, paths: int, out: Path | None) -> None:
    """Time recognize.py by one process, several, and a cluster; then measure the memory of many paths."""
    from evaluation.results import host

    try:
        figures = measure(pictures, model, count)
        figures |= {"paths": paths, "peak_memory_mb": memory(paths), "host": host(1)}
    except subprocess.CalledProcessError as error:
        raise InputError("recognize.py", "to go through", error.stderr.strip().splitlines()[-1]) from error
    (out or FOUND).write_text(json.dumps(figures, indent=1) + "\n")
    for name, rate in figures["a_second"].items():
        click.echo(f"{name}: {rate:.0f} pictures a second, {figures['speed-up'][name]:.2f} x")
    click.echo(f"rows the same: {figures['same']}; {paths} paths: {figures['peak_memory_mb']:.0f} MB at most")


if __name__ == "__main__":
    run(main)
