"""Check FER2013: counts per split and class, duplicates, and the data hash."""

from __future__ import annotations

from pathlib import Path

import click

from facial_emotion.commands import run
from facial_emotion.errors import InputError


@click.command(epilog="Example: facial-emotion data fer2013.csv.xz")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--download", is_flag=True, help="Download the public Kaggle copy first.")
@click.option("--ferplus", type=click.Path(path_type=Path), help="FER+ votes; by default fer2013new.csv beside PATH.")
def main(path: Path | None, download: bool, ferplus: Path | None) -> None:
    """Check FER2013 at PATH: counts per split and class, duplicates, data hash."""
    from rich.console import Console

    from facial_emotion.data import fer2013
    from facial_emotion.data.csv_form import SIDE
    from facial_emotion.data.summary import tables

    if download:
        path = fer2013.download()
    if path is None:
        raise InputError("PATH", "a CSV or a folder, or --download", "neither")
    console = Console()
    with console.status(f"reading {path}"):
        dataset = fer2013.load(path, ferplus)
    with console.status("looking for duplicates"):
        found = tables(dataset)
    for table in found:
        console.print(table)
    console.print(f"{len(dataset.labels)} rows of {SIDE}x{SIDE} pixels, data hash {dataset.hash}", soft_wrap=True)


if __name__ == "__main__":
    run(main)
