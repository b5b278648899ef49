"""Benchmarks of what stands around a model: live video, many pictures, the server, and other packages' models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from facial_emotion.commands import options, run
from facial_emotion.errors import InputError

_PATH = click.Path(path_type=Path)


@click.group(epilog="Example: facial-emotion benchmark video --model cnn --frames 2000")
def main() -> None:
    """Benchmark live video, many pictures, the server, or another package's model."""


@main.command(epilog="Example: facial-emotion benchmark video --model cnn --frames 2000")
@click.option("--model", default="lightgbm", show_default=True, help="A trained model's name.")
@click.option("--frames", default=1000, show_default=True, type=click.IntRange(50), help="Frames to process.")
@options.threads
@click.option("--every", default=0, type=click.IntRange(0), help="Frames between detections; 0: as times allow.")
@click.option("--out", type=_PATH, help="By default artifacts/results/live.json.")
def video(model: str, frames: int, threads: int, every: int, out: Path | None) -> None:
    """Live video: frames a second, delay, stages, and how memory grew past frame 500."""
    from facial_emotion.video.benchmark import measure

    figures = measure(model, frames, threads, every)
    _write(out, "results", "live.json", figures)
    for key, value in figures.items():
        click.echo(f"{key:18} {value}")


@main.command(epilog="Example: facial-emotion benchmark batch --pictures 2000 --count 4")
@click.option("--pictures", default=10_000, show_default=True, type=click.IntRange(1), help="Pictures to recognise.")
@click.option("--model", default="lightgbm", show_default=True, help="A trained model's name.")
@click.option("--count", default=2, show_default=True, type=click.IntRange(2), help="Processes, and workers.")
@click.option(
    "--paths", "count_paths", default=1_000_000, show_default=True, type=click.IntRange(1), help="Paths to hold."
)
@click.option("--out", type=_PATH, help="By default artifacts/results/batch.json.")
def batch(pictures: int, model: str, count: int, count_paths: int, out: Path | None) -> None:
    """Many pictures: by one process, several, and a local Dask cluster; then the memory of many paths."""
    import subprocess

    from facial_emotion.batch.benchmark import measure, memory
    from facial_emotion.evaluation.results import host

    try:
        figures = measure(pictures, model, count)
        figures |= {"paths": count_paths, "peak_memory_mb": memory(count_paths), "host": host(1)}
    except subprocess.CalledProcessError as error:
        raise InputError("recognize", "to go through", error.stderr.strip().splitlines()[-1]) from error
    _write(out, "results", "batch.json", figures)
    for name, rate in figures["a_second"].items():
        click.echo(f"{name}: {rate:.0f} pictures a second, {figures['speed-up'][name]:.2f} x")
    click.echo(f"rows the same: {figures['same']}; {count_paths} paths: {figures['peak_memory_mb']:.0f} MB at most")


@main.command(epilog="Example: facial-emotion benchmark server --address 127.0.0.1:8000 --rate 50")
@click.option("--address", default="127.0.0.1:8000", show_default=True, help="Of a server that is ready.")
@click.option("--model", default="lightgbm", show_default=True, help="A model that it serves.")
@click.option(
    "--rate", default=200.0, show_default=True, type=click.FloatRange(1), help="Requests a second to try for."
)
@click.option("--clients", default=16, show_default=True, type=click.IntRange(1), help="Connections.")
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(1), help="Duration.")
@click.option("--out", type=_PATH, help="By default artifacts/results/serving.json.")
def server(address: str, model: str, rate: float, clients: int, seconds: float, out: Path | None) -> None:
    """A running server: answers a second and milliseconds of an answer."""
    from facial_emotion.evaluation.results import host
    from facial_emotion.serving.benchmark import measure

    figures = {**measure(address, model, seconds, clients, rate), "host": host(1)}
    _write(out, "results", "serving.json", figures)
    click.echo(
        f"{figures['answered_a_second']:.1f} answers a second of {rate:g} asked, {figures['statuses']},"
        f" {figures['median_ms']:.0f} ms (p95 {figures['p95_ms']:.0f})"
    )


@main.command(epilog="Example: facial-emotion benchmark peers --data fer2013.csv.xz")
@options.data
@click.option("--out", type=_PATH, help="By default artifacts/report/peers.json.")
def peers(data: Path, out: Path | None) -> None:
    """Other packages' models on PrivateTest, each in an environment of its own."""
    from facial_emotion.data import fer2013
    from facial_emotion.evaluation.scores import in_words
    from facial_emotion.reporting.peers import measure

    figures = measure(fer2013.load(data))
    for peer in figures["peers"]:
        click.echo(f"{peer['package']}: {in_words(peer['scores'])}")
    click.echo(str(_write(out, "report", "peers.json", figures)))


def _write(out: Path | None, folder: str, name: str, figures: dict[str, Any]) -> Path:
    """Write figures as JSON; where."""
    from facial_emotion import paths

    path = out or paths.ARTIFACTS / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n")
    return path


if __name__ == "__main__":
    run(main)
