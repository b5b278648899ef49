"""Benchmark every trained model: accuracy, F1 and latency, as a table, CSV, JSON and plots.

    facial-emotion compare --data fer2013.csv.xz

    facial-emotion compare --pictures my-pictures/

With FER2013 everything is measured. Without it, latencies are measured on crops of the example picture,
and accuracies are those that the models' cards recorded, marked so. With --pictures the models are judged on pictures
and videos of your own.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facial_emotion.commands import options
from facial_emotion.errors import InputError
from facial_emotion.records import Json

if TYPE_CHECKING:
    from facial_emotion.recognizers import Recognizer
    from facial_emotion.records import BenchmarkRow


@click.command(epilog="Example: facial-emotion compare --data fer2013.csv.xz --models lightgbm,svm --limit 500")
@click.option("--models", help="Names, with commas; by default all in artifacts/.")
@click.option(
    "--data",
    type=options.Place(),
    help="FER2013, as a CSV or a folder, FER+'s fer2013new.csv beside it, or your own, as train takes it; without it "
    "accuracies are recorded ones.",
)
@click.option(
    "--pictures",
    type=options.Place(),
    help="Judge the models on this folder's pictures and videos instead, in subfolders named by emotion.",
)
@options.ask
@options.shares
@click.option("--split", default="PrivateTest", show_default=True, type=click.Choice(["PublicTest", "PrivateTest"]))
@click.option("--limit", type=click.IntRange(1), help="Score only so many rows of the split.")
@click.option("--threads", default=2, show_default=True, type=options.AT_ONCE, help="CPU threads of every model.")
@click.option(
    "--margin",
    default=2.0,
    show_default=True,
    type=options.Number(0),
    help="A faster model is called as good if its loss of accuracy is shown to be below so many points.",
)
@click.option("--full", is_flag=True, help="Print all figures; CSV and JSON have them in any case.")
@click.option(
    "--out", type=options.Place(file_okay=False), help="By default results, and pictures/ in it with --pictures."
)
@click.option("--readme", is_flag=True, help="Also put the table into README.md of a checkout.")
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "csv", "json"]))
def main(
    models: str | None,
    data: Path | None,
    pictures: Path | None,
    ask: tuple[str, ...],
    shares: str,
    split: str,
    limit: int | None,
    threads: int,
    margin: float,
    full: bool,
    out: Path | None,
    readme: bool,
    form: str,
) -> None:
    """Compare trained models: accuracy, F1, calibration, latency, size. On FER2013 or, with --pictures, on your own."""
    from threadpoolctl import threadpool_limits

    from facial_emotion import paths, recognizers
    from facial_emotion.shares import EVEN, check
    from facial_emotion.threads import limit_threads

    chosen = options.chosen_models(models)
    if pictures is not None and (data is not None or readme):
        raise InputError("--pictures", "without --data and --readme", "--data" if data else "--readme")
    if readme and not (paths.ROOT / "README.md").exists():
        raise InputError("--readme", "a checkout, which has README.md", "an installed package")
    options.check_needs(shares, "--shares", ["--pictures"], [pictures])
    options.check_needs(ask, "--ask", ["--data", "--pictures"], [data, pictures])
    emotions = options.asked(ask)
    check(shares or EVEN)
    loaded = [recognizers.load(name, threads) for name in chosen]
    limit_threads(threads)
    threadpool_limits(threads)
    if pictures is not None:
        shown = Shown(out or paths.NEW_RESULTS / "pictures", form, full, margin / 100, shares)
        _on_pictures(pictures, emotions, loaded, threads, shown)
        return
    from facial_emotion.evaluation import benchmark, results

    dataset = None if data is None else options.read_data(data, ask)
    rows, about = benchmark.run(loaded, dataset, split, limit, threads, margin / 100)
    folder = out or paths.NEW_RESULTS
    benchmark.write(folder, rows, about)
    if readme:
        results.into_readme(paths.ROOT / "README.md", rows, about)
    if form == "table":
        _print(rows, about, full, folder)
    else:
        click.echo(results.to_csv(rows) if form == "csv" else results.to_json(rows, about), nl=False)


def _print(rows: list[BenchmarkRow], about: Json, full: bool, out: Path) -> None:
    """Print what a model is chosen by, question by question, and with ``full`` all figures."""
    from facial_emotion.evaluation import results, tables
    from facial_emotion.terminal import print_tables

    for labels in results.QUESTIONS:
        if tables.of_question(rows, labels):
            print_tables([tables.short(rows, labels, about)])
            first = tables.of_question(rows, labels)[0]
            advice = about["advice"].get(labels, {"words": f"Of the highest mean recall: {first.model}."})
            judged = tables.is_judged(first)
            click.echo(
                f"{advice['words'] if judged else 'Put fer2013new.csv beside the data to judge these models.'}\n"
            )
    if full:
        print_tables(tables.full(rows, about))
    click.echo(f"All figures: {'' if full else '--full, or '}results.csv, results.json and plots in {out}")


@dataclass(frozen=True)
class Shown:
    """Where results on own pictures are written and what is printed.

    form: "table", "csv" or "json"; full: whether all tables; margin: of a model that is as good, 0-1; shares: of the
    emotions, a text as of ``shares.check``.
    """

    out: Path
    form: str
    full: bool
    margin: float
    shares: str


def _on_pictures(
    folder: Path, asked: dict[str, str], recognizers: list[Recognizer], threads: int, shown: Shown
) -> None:
    """Judge recognizers on the files of a folder; write and print the results, and what was left out."""
    from facial_emotion.batch import own_pictures
    from facial_emotion.batch.collection import find, read
    from facial_emotion.evaluation import results
    from facial_emotion.terminal import bar, note, print_tables

    sources, files = find(folder, asked)
    with bar("faces", len(sources)) as step:
        read(sources, files, step)
    with bar("models", len(recognizers), still=True) as step:
        judged = own_pictures.judge(recognizers, files.files, shown.margin, step, shown.shares)
    about = {"pictures": str(folder), "asked": asked, "shares": shown.shares, "host": results.host(threads)}
    own_pictures.write(shown.out, judged, files, about)
    for remark in [*files.remarks, *judged.remarks]:
        note(remark)
    if shown.form == "table":
        print_tables(own_pictures.tables(judged, files, shown.full))
        click.echo(f"{judged.advice}\n")
        click.echo(f"All figures: {'' if shown.full else '--full, or '}results, answers.csv and plots in {shown.out}")
    else:
        as_text = (
            own_pictures.as_csv if shown.form == "csv" else partial(own_pictures.as_json, collection=files, about=about)
        )
        click.echo(as_text(judged), nl=False)
    if files.unreadable:
        sys.exit(1)
