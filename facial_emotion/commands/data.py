"""Check FER2013: counts per split and class, duplicates, and the data hash."""

from __future__ import annotations

from pathlib import Path

import click

from facial_emotion.commands import options
from facial_emotion.errors import InputError


@click.command(epilog="Example: facial-emotion data fer2013.csv.xz")
@click.argument("path", required=False, type=options.Place())
@click.option("--download", is_flag=True, help="Download the public Kaggle copy first.")
@click.option("--ferplus", type=options.Place(), help="FER+ votes; by default fer2013new.csv beside PATH.")
@click.option("--sample", type=click.IntRange(35), help="Write so many rows to --out instead, to try a training on.")
@click.option("--out", type=options.Place(), help="With --sample: a CSV in an empty folder.")
def main(path: Path | None, download: bool, ferplus: Path | None, sample: int | None, out: Path | None) -> None:
    """Check FER2013 at PATH: counts per split and class, duplicates, data hash. Or write a sample of it."""
    from rich.console import Console

    from facial_emotion.data import fer2013
    from facial_emotion.data.csv_form import SIDE
    from facial_emotion.data.sample import write
    from facial_emotion.data.summary import tables
    from facial_emotion.terminal import print_tables

    if (sample is None) != (out is None):
        raise InputError("--sample", "it together with --out", "one of them")
    if download:
        path = fer2013.download()
    if path is None:
        raise InputError("PATH", "a CSV or a folder, or --download", "neither")
    console = Console()
    with console.status(f"reading {path}"):
        dataset = fer2013.load(path, ferplus)
    if sample and out:
        click.echo(write(dataset, sample, out))
        return
    with console.status("looking for duplicates"):
        counts = tables(dataset)
    print_tables(counts)
    click.echo(f"{len(dataset.labels)} rows of {SIDE}x{SIDE} pixels, data hash {dataset.hash}")
