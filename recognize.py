"""Recognise the faces of pictures, folders, videos and cameras, into a file.

    python recognize.py holiday/ party.mp4 --model cnn --out results.csv

A row for each face of each picture or frame. What can't be read is listed at the end, and the rest goes on.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from errors import InputError, run


@click.command(epilog="Example: python recognize.py holiday/ 'more/*.jpg' party.mp4 --model cnn --out results.csv")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--model", default="cnn", show_default=True, help="A trained model's name.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Ends in .csv, .jsonl or .parquet.")
@click.option("--annotate", type=click.Path(file_okay=False), help="A folder for annotated copies and plots.")
@click.option("--every", default=1, show_default=True, type=click.IntRange(1), help="Look at every so manieth frame.")
@click.option("--fps", type=click.FloatRange(min=0, min_open=True), help="Or at so many frames a second.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="So long a camera is watched.")
@click.option(
    "--smoothing", default=0.3, show_default=True, type=click.FloatRange(0), help="Of videos, in seconds; 0: none."
)
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1), help="On this machine.")
@click.option("--cluster", help='A Dask scheduler, as tcp://host:8786, or "local": as many workers as --processes.')
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads of each process.")
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped.")
@click.option("--overwrite", is_flag=True, help="Begin anew where results stand already.")
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
    import recognizers
    from batch import pools
    from batch.output import Output, Unwritable
    from batch.score import Options
    from batch.sources import sources
    from terminal import bar

    recognizers.card(model)  # an unknown name is said before any work
    watched = any(path.startswith("camera:") for path in paths)
    if watched and (resume or processes > 1 or cluster):
        raise InputError("camera", "one process, from now on", "--resume, --processes or --cluster")
    everything = list(sources(paths))
    if not everything:
        raise InputError(", ".join(paths), "pictures or videos", "none in there")
    options = Options(
        model,
        threads,
        every=every,
        fps=fps,
        smoothing=smoothing,
        annotate=annotate and os.path.abspath(annotate),
        seconds=seconds,
    )
    output = Output(out, options, everything, resume, overwrite)
    rest = everything[output.done :]
    whole = False
    try:
        with bar(out.name, len(rest)) as step:
            if cluster:
                scored = pools.cluster(rest, options, cluster, processes)
            elif processes > 1:
                scored = pools.processes(rest, options, processes)
            else:
                scored = pools.here(rest, options, lambda news: step(news, 0))
            for source, found in scored:
                try:
                    for rows in found:
                        output.add(rows)
                except Unwritable:
                    raise
                except InputError as error:
                    output.fail(source, str(error))
                output.close_source()
                step()
        whole = True
    except KeyboardInterrupt:
        if not watched:  # nobody goes on with a camera: what was seen is all
            click.echo(f"{output.done} of {len(everything)} are done: go on with --resume", err=True)
            raise
        whole = True
    finally:
        output.close(whole)
    click.echo(f"{out}: {output.rows} rows from {len(everything) - output.failures} of {len(everything)} sources")
    if output.failures:
        click.echo(f"{output.failures} could not be read (they stand in {output.failed_path} too):", err=True)
        for _, reason in output.failed():
            click.echo(f"  {reason}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run(main)
