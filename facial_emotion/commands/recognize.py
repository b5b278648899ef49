"""Recognise the faces of pictures, folders, videos and cameras, and write the results to a file.

    facial-emotion recognize holiday/ party.mp4 --model cnn --out results.csv

One row per face of each picture or frame. Sources that can't be read are skipped and listed at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facial_emotion.commands import options

if TYPE_CHECKING:
    from facial_emotion.batch.run import Summary


@click.command(epilog="Example: facial-emotion recognize holiday/ 'more/*.jpg' party.mp4 --model cnn --out results.csv")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--model",
    default=options.DEFAULT_MODEL,
    show_default=True,
    help="A trained model, as facial-emotion compare names it.",
)
@options.labels("people: the model's twin named *-ferplus; balanced: *-balanced; fer2013: the one without.")
@click.option("--out", required=True, type=options.Place(), help="Results file: .csv, .jsonl or .parquet.")
@click.option("--annotate", type=options.Place(file_okay=False), help="Folder for annotated copies and plots.")
@click.option("--every", default=1, show_default=True, type=click.IntRange(1), help="Process every N-th frame.")
@click.option(
    "--fps", type=options.Number(0, open_at_low=True), help="Process this many frames per second instead of --every."
)
@click.option("--seconds", type=options.Number(0, open_at_low=True), help="Duration of a camera recording, in seconds.")
@click.option(
    "--smoothing",
    default=0.3,
    show_default=True,
    type=options.Number(0),
    help="Smoothing time constant in seconds; 0 disables.",
)
@options.detector
@options.min_face
@options.shares
@click.option("--every-frame", is_flag=True, help="Also a row for each picture or frame without a face.")
@click.option(*("--excel", "--decimal-comma", "excel"), is_flag=True, help="A .csv for Excel where commas are decimal.")
@click.option("--processes", default=1, show_default=True, type=options.AT_ONCE, help="Processes on this machine.")
@click.option(
    "--cluster", help='Dask scheduler, as tcp://host:8786, or "local" for as many local workers as --processes.'
)
@click.option(
    "--threads",
    default=2,
    show_default=True,
    type=options.AT_ONCE,
    help="CPU threads: pictures at once (without --processes), and for each video.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run; start where there is none.")
@click.option("--overwrite", is_flag=True, help="Overwrite existing results.")
def main(
    paths: tuple[str, ...],
    model: str,
    labels: str | None,
    out: Path,
    annotate: Path | None,
    every: int,
    fps: float | None,
    seconds: float | None,
    smoothing: float,
    detector: str,
    min_face: float | None,
    shares: str,
    every_frame: bool,
    excel: bool,
    processes: int,
    cluster: str | None,
    threads: int,
    resume: bool,
    overwrite: bool,
) -> None:
    """Recognise the faces of every PATH: a picture, video, folder (recursive), glob pattern, or camera:0."""
    from facial_emotion import recognizers
    from facial_emotion.batch.run import Interrupted, Options, recognize
    from facial_emotion.features.faces import Search

    search = Search(detector, min_face=min_face)
    settings = Options(
        recognizers.with_labels(model, labels) if labels else model,
        threads,
        search,
        every=every,
        fps=fps,
        smoothing=smoothing,
        annotate=None if annotate is None else str(annotate),
        seconds=seconds,
        without_face=every_frame,
        excel=excel,
        shares=shares,
    )
    try:
        summary = recognize(map(options.in_home, paths), out, settings, processes, cluster, resume, overwrite)
    except Interrupted as interrupt:
        click.echo(str(interrupt), err=True)
        raise
    _report(out, summary)
    if summary.failed:
        sys.exit(1)


def _report(out: Path, summary: Summary) -> None:
    """Print what was recognised, left out and not read."""
    complete = summary.sources - len(summary.failed)
    if summary.finished_before:
        click.echo(f"{out}: this run is finished, there is nothing to resume; --overwrite starts again")
    else:
        click.echo(f"{out}: {summary.rows} rows from {complete} of {summary.sources} sources")
    if summary.without_face:
        click.echo(f"without a face: {summary.without_face} pictures or frames", err=True)
    for remark in summary.remarks:
        click.echo(remark, err=True)
    if summary.failed:
        click.echo(f"{len(summary.failed)} could not be read (also listed in {summary.failed_path}):", err=True)
        for _, reason in summary.failed:
            click.echo(f"  {reason}", err=True)
