"""Benchmarks beyond single models: video, batch, the HTTP server, face detectors, one core, and other packages."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from facial_emotion.commands import options
from facial_emotion.errors import InputError
from facial_emotion.recognizers import DEFAULT

_PATH = options.Place()


@click.group(epilog="Example: python -m workshop benchmark video --model cnn --frames 2000")
def main() -> None:
    """Benchmark live video, batch recognition, the HTTP server, face detectors, one core, or other packages."""


@main.command(epilog="Example: python -m workshop benchmark video --model cnn --frames 2000")
@click.option("--model", default=DEFAULT, show_default=True, help="A trained model's name.")
@click.option("--frames", default=1000, show_default=True, type=click.IntRange(50), help="Frames to process.")
@options.threads
@click.option("--every", default=0, type=click.IntRange(0), help="Detection interval in frames; 0: by measured times.")
@click.option("--out", type=_PATH, help="By default results/live.json.")
def video(model: str, frames: int, threads: int, every: int, out: Path | None) -> None:
    """Live video: frames per second, delay, stages, and memory growth past frame 500."""
    from facial_emotion.evaluation.results import host
    from workshop.benchmarks.video import measure

    figures = measure(model, frames, threads, every)
    _write(out, "live.json", {**figures, "host": host(threads)})
    for key, value in figures.items():
        click.echo(f"{key:18} {value}")


@main.command(epilog="Example: python -m workshop benchmark browser --minutes 10")
@click.option("--minutes", default=10, show_default=True, type=click.IntRange(1), help="Minutes of live video.")
@click.option("--out", type=_PATH, help="By default results/browser.json.")
def browser(minutes: int, out: Path | None) -> None:
    """The page in the browser: time to the first label, recognitions a second, memory, requests."""
    from facial_emotion.terminal import bar
    from workshop.benchmarks.browser import measure

    with bar("minutes", minutes) as step:
        figures = measure(minutes, step)
    click.echo(json.dumps({key: figures[key] for key in ("sizes", "first_label_s", "minutes")}, indent=1))
    click.echo(str(_write(out, "browser.json", figures)))


@main.command(epilog="Example: python -m workshop benchmark batch --pictures 2000 --count 4")
@click.option("--pictures", default=10_000, show_default=True, type=click.IntRange(1), help="Pictures to recognise.")
@click.option("--model", default=DEFAULT, show_default=True, help="A trained model's name.")
@click.option(
    "--count",
    default=2,
    show_default=True,
    type=click.IntRange(2, 1024),
    help="Number of processes, and of cluster workers.",
)
@click.option(
    "--paths",
    "count_paths",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(1),
    help="Number of paths in the memory test.",
)
@click.option("--out", type=_PATH, help="By default results/batch.json.")
def batch(pictures: int, model: str, count: int, count_paths: int, out: Path | None) -> None:
    """Batch recognition: one process, several processes, a local Dask cluster; and memory with many paths."""
    import subprocess

    from facial_emotion.evaluation.results import host
    from workshop.benchmarks.batch import measure, measure_memory

    try:
        figures = measure(pictures, model, count)
        memory_mb = measure_memory(count_paths)
    except subprocess.CalledProcessError as error:
        raise InputError("recognize", "exit code 0", error.stderr.strip().splitlines()[-1]) from error
    extra = {"paths": count_paths, "peak_memory_mb": memory_mb, "host": host(1)}
    _write(out, "batch.json", {**figures, **extra})
    for name, rate in figures["a_second"].items():
        click.echo(f"{name}: {rate:.0f} pictures per second, speed-up {figures['speed-up'][name]:.2f}")
    click.echo(
        f"memory of one process grows by {figures['memory_growth_mb']:.0f} MB after the first twentieth of the time"
    )
    click.echo(f"identical results: {figures['same']}; peak memory with {count_paths} paths: {memory_mb:.0f} MB")


@main.command(epilog="Example: python -m workshop benchmark server --model lightgbm --rate 50")
@click.option("--address", help="Address of a running server, as 127.0.0.1:8000; by default one is started.")
@click.option("--model", default=DEFAULT, show_default=True, help="A model of the server.")
@click.option("--rate", default=200.0, show_default=True, type=options.Number(1), help="Requests per second to try.")
@click.option("--clients", default=16, show_default=True, type=click.IntRange(1), help="Number of connections.")
@click.option("--seconds", default=20.0, show_default=True, type=options.Number(1), help="Duration in seconds.")
@click.option("--out", type=_PATH, help="By default results/serving.json.")
def server(address: str | None, model: str, rate: float, clients: int, seconds: float, out: Path | None) -> None:
    """HTTP server: throughput and latency."""
    from facial_emotion.evaluation.results import host
    from workshop.benchmarks.serving import measure, started

    with nullcontext(address) if address else started(model) as place:
        figures = measure(place, model, seconds, clients, rate)
    _write(out, "serving.json", {**figures, "host": host(1)})
    click.echo(
        f"{figures['answered_a_second']:.1f} of {rate:g} requests per second, {figures['statuses']},"
        f" median {figures['median_ms']:.0f} ms, 95th percentile {figures['p95_ms']:.0f} ms"
    )


@main.command(epilog="Example: python -m workshop benchmark detectors portrait.jpg other.jpg")
@click.argument("portraits", nargs=-1, type=_PATH)
@options.threads
@click.option("--out", type=_PATH, help="By default results/detectors.json.")
def detectors(portraits: tuple[Path, ...], threads: int, out: Path | None) -> None:
    """Face detectors: recall on synthetic scenes made of PORTRAITS and the example, false detections, and speed.

    A portrait is a picture of one face. The scenes vary the size, rotation, cover, light and number of the faces.
    """
    from facial_emotion.features.pictures import read_rgb
    from facial_emotion.threads import limit_threads
    from workshop.benchmarks.detection import report, tables

    limit_threads(threads)
    figures = report([read_rgb(path) for path in portraits], threads)
    _write(out, "detectors.json", figures)
    for line in tables(figures):
        click.echo(line)


@main.command(epilog="Example: python -m workshop benchmark framing --data fer2013.csv.xz --models cnn,svm")
@options.data
@options.detector
@click.option("--models", help="Names, separated by commas; by default all.")
@click.option("--rows", type=click.IntRange(1), help="Number of PublicTest's rows; by default all.")
@click.option(
    "--placements", default=2, show_default=True, type=click.IntRange(1), help="Pictures that each crop is laid into."
)
@click.option("--out", type=_PATH, help="By default results/framing.json.")
def framing(data: Path, detector: str, models: str | None, rows: int | None, placements: int, out: Path | None) -> None:
    """Framing of crops: PublicTest's crops, laid into larger pictures, found and cropped again, and recognised."""
    import numpy as np

    from facial_emotion import recognizers
    from facial_emotion.data import fer2013
    from facial_emotion.terminal import bar
    from workshop.benchmarks.framing import measure

    names = options.chosen_models(models)
    loaded = [recognizers.load(name) for name in names]
    part = fer2013.load(data).split("PublicTest")
    crops, labels = part.crops[:rows], part.labels[:rows]
    with bar("crops", placements * len(crops)) as step:
        result = measure(np.tile(crops, (placements, 1, 1)), detector, step)
    figures: dict[str, Any] = {"detector": detector, "rows": len(crops), "placements": placements}
    figures |= {"found": int(result.found.sum()), "positions": result.positions}
    figures |= {"positions_in_originals": result.originals, "accuracy": {}}
    click.echo(f"{figures['found']} of {len(result.found)} found; eyes and mouth at {result.positions}")
    click.echo(f"in the originals at {result.originals}")
    labels_of_found = np.tile(labels, placements)[result.found]
    for recognizer in loaded:
        right = recognizer.predict_proba(crops).argmax(axis=1) == labels
        before = float(np.tile(right, placements)[result.found].mean())
        again = float((recognizer.predict_proba(result.crops).argmax(axis=1) == labels_of_found).mean())
        figures["accuracy"][recognizer.name] = {"originals": before, "found_again": again}
        click.echo(f"{recognizer.name}: {before:.2%} on the originals, {again:.2%} on the crops found again")
    _write(out, "framing.json", figures)


@main.command(epilog="Example: python -m workshop benchmark core --models lightgbm,cnn")
@click.option("--models", help="Names, separated by commas; by default all.")
@click.option("--out", type=_PATH, help="By default results/core.json.")
def core(models: str | None, out: Path | None) -> None:
    """One processor core, as slow computers have: latency of the models on one thread, which is kept on one core."""
    from facial_emotion.terminal import bar
    from workshop.benchmarks.core import measure

    names = options.chosen_models(models)
    with bar("models", len(names)) as step:
        figures = measure(names, step)
    for name, spent in figures["latency"].items():
        crop_ms, frame_ms = (spent[stage]["median_ms"] for stage in ("crop to label", "frame to label"))
        click.echo(f"{name}: {crop_ms:.1f} ms from crop to label, {frame_ms:.1f} from a 640x480 frame")
    click.echo(str(_write(out, "core.json", figures)))


@main.command(epilog="Example: python -m workshop benchmark peers --data fer2013.csv.xz --rows 500")
@options.data
@click.option("--models", default="cnn-ferplus,ensemble-ferplus,ensemble", show_default=True, help="Ours, by name.")
@click.option("--rows", default=1000, show_default=True, type=click.IntRange(100), help="Of PrivateTest.")
@click.option("--out", type=_PATH, help="By default results/peers.json.")
def peers(data: Path, models: str, rows: int, out: Path | None) -> None:
    """Other packages (fer, face-api) beside our models on the same rows: fed crops, and given pictures.

    Each is installed in an environment of its own, in the cache. face-api needs Node.js.
    """
    from facial_emotion.data import fer2013
    from facial_emotion.terminal import print_tables
    from workshop.benchmarks.peers import measure, table

    figures = measure(fer2013.load(data), options.chosen_models(models), rows)
    print_tables([table(figures)])
    click.echo(str(_write(out, "peers.json", figures)))


@main.command(epilog="Example: python -m workshop benchmark libraries --data fer2013.csv.xz")
@options.data
@click.option("--rows", default=8000, show_default=True, type=click.IntRange(100), help="Of Training, for both SVMs.")
@click.option("--out", type=_PATH, help="By default results/libraries.json.")
def libraries(data: Path, rows: int, out: Path | None) -> None:
    """HOG and LBP beside scikit-image's, the LS-SVM beside scikit-learn's SVC."""
    from facial_emotion.data import fer2013
    from facial_emotion.evaluation.results import host
    from workshop.benchmarks.libraries import measure

    figures = {**measure(fer2013.load(data), rows), "host": host(2)}
    for name in ("hog", "lbp"):
        pair = figures[name]
        click.echo(f"{name}: {pair['ours']['median_ms']:.2f} ms, theirs takes {pair['ratio']:.1f} times as long")
    click.echo(f"svm: {figures['svm']}")
    click.echo(str(_write(out, "libraries.json", figures)))


@main.command(epilog="Example: python -m workshop benchmark conditions --data fer2013.csv.xz --models cnn-ferplus")
@options.data
@click.option("--models", help="Names, separated by commas; by default those that answer as people would.")
@click.option("--rows", type=click.IntRange(1), help="Of PrivateTest; by default all.")
@click.option("--out", type=_PATH, help="By default results/conditions.json.")
def conditions(data: Path, models: str | None, rows: int | None, out: Path | None) -> None:
    """Hard conditions: dark, blurred, noisy, small, compressed, turned and covered faces."""
    from facial_emotion import recognizers
    from facial_emotion.data import fer2013
    from facial_emotion.terminal import bar
    from workshop.benchmarks.conditions import measure
    from workshop.conditions import CONDITIONS

    names = options.split_names(models) or [
        name for name in recognizers.names() if recognizers.card(name).labels != "fer2013"
    ]
    with bar("conditions", len(names) * len(CONDITIONS)) as step:
        figures = measure(fer2013.load(data), names, rows, step)
    for name in names:
        click.echo(f"{name}, {figures['rows']} rows: accuracy, mean recall, uncertain")
        for condition, own in figures["models"][name].items():
            shares = (own[kind] for kind in ("accuracy", "mean_recall", "uncertain"))
            click.echo(f"  {condition:20} {' '.join(f'{share:6.1%}' for share in shares)}")
    click.echo(str(_write(out, "conditions.json", figures)))


@main.command(epilog="Example: python -m workshop benchmark shares --data fer2013.csv.xz --models cnn-ferplus")
@options.data
@click.option("--models", default="cnn-ferplus,svm-ferplus", show_default=True, help="Names, separated by commas.")
@click.option("--out", type=_PATH, help="By default results/shares.json.")
def shares(data: Path, models: str, out: Path | None) -> None:
    """Shares of emotions other than FER2013's: what it brings to estimate them."""
    from facial_emotion.data import fer2013
    from facial_emotion.terminal import bar
    from workshop.benchmarks.shares import measure

    names = options.split_names(models)
    with bar("models", len(names)) as step:
        figures = measure(fer2013.load(data), names, step)
    for name, kinds in figures["models"].items():
        click.echo(f"{name}: accuracy as it is, with estimated and with given shares")
        for kind, sizes in kinds.items():
            for size, answers in sizes.items():
                accuracies = (own["accuracy"] for own in answers.values())
                click.echo(f"  {kind:14} {size:>5} {' '.join(f'{accuracy:6.1%}' for accuracy in accuracies)}")
    click.echo(str(_write(out, "shares.json", figures)))


def _write(out: Path | None, name: str, figures: dict[str, Any]) -> Path:
    """Write figures as JSON; returns the path."""
    from facial_emotion import paths

    path = out or paths.NEW_RESULTS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n")
    return path
