"""Recognise the faces of pictures, folders, videos and cameras, into a file.

    facial-emotion recognize holiday/ party.mp4 --model cnn --out results.csv

A row for each face of each picture or frame. What can't be read is listed at the end, and the rest goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from facial_emotion.commands import run


@click.command(epilog="Example: facial-emotion recognize holiday/ 'more/*.jpg' party.mp4 --model cnn --out results.csv")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--model", default="cnn", show_default=True, help="A trained model's name.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Ends in .csv, .jsonl or .parquet.")
@click.option("--annotate", type=click.Path(file_okay=False), help="A folder for annotated copies and plots.")
@click.option("--every", default=1, show_default=True, type=click.IntRange(1), help="Process every N-th frame.")
@click.option("--fps", type=click.FloatRange(min=0, min_open=True), help="Or so many frames a second.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="How long a camera is watched.")
@click.option(
    "--smoothing",
    default=0.3,
    show_default=True,
    type=click.FloatRange(0),
    help="Smoothing time constant in seconds; 0 disables.",
)
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1), help="On this machine.")
@click.option("--cluster", help='A Dask scheduler, as tcp://host:8786, or "local": as many workers as --processes.')
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads of each process.")
@click.option("--resume", is_flag=True, help="Resume a run that was stopped.")
@click.option("--overwrite", is_flag=True, help="Overwrite existing results.")
def main(
    paths: tuple[str, ...],
    model: str,
    out: Path,
    annotate: str | None,
    every: int,
    fps: float | None,
    seconds: float | None,
    smoothing: float,
    processes: int,
    cluster: str | None,
    threads: int,
    resume: bool,
    overwrite: bool,
) -> None:
    """Recognise the faces of every PATH: a picture, a video, a folder with all below it, a pattern, or camera:0."""
    from facial_emotion.batch.run import Options, Stopped, recognize

    options = Options(model, threads, every=every, fps=fps, smoothing=smoothing, annotate=annotate, seconds=seconds)
    try:
        summary = recognize(paths, out, options, processes, cluster, resume, overwrite)
    except Stopped as stopped:
        click.echo(str(stopped), err=True)
        raise
    read = summary.sources - len(summary.failed)
    click.echo(f"{out}: {summary.rows} rows from {read} of {summary.sources} sources")
    if summary.failed:
        click.echo(f"{len(summary.failed)} could not be read (listed in {summary.failed_path} too):", err=True)
        for _, reason in summary.failed:
            click.echo(f"  {reason}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run(main)
