"""Benchmark every trained model: accuracy, F1 and latency, as a table, CSV, JSON and plots.

    facial-emotion compare --data fer2013.csv.xz

    facial-emotion compare --pictures my-pictures/

With FER2013 everything is measured. Without it, latencies are measured on crops of the example picture,
and accuracies are those that the models' cards recorded, marked so. With --pictures the models are judged on pictures
and videos of your own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facial_emotion.commands import options, run
from facial_emotion.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

    from facial_emotion.recognizers import Recognizer
    from facial_emotion.records import BenchmarkRow, PeopleScores, Scores

    # Gives a recognizer's scores against FER2013's labels and, where there are any, against people's votes.
    Judge = Callable[[Recognizer], tuple[Scores, PeopleScores | None]]


@click.command(epilog="Example: facial-emotion compare --data fer2013.csv.xz --models lightgbm,svm --limit 500")
@click.option("--models", help="Names, with commas; by default all in artifacts/.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="FER2013, as a CSV or a folder; without it accuracies are recorded ones.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path),
    help="Judge the models on this folder's pictures and videos instead, in subfolders named by emotion.",
)
@click.option(
    "--ask", multiple=True, metavar="NAME=EMOTION", help="With --pictures: a subfolder's other name, as joy=happy."
)
@click.option("--split", default="PrivateTest", show_default=True, type=click.Choice(["PublicTest", "PrivateTest"]))
@click.option("--limit", type=click.IntRange(1), help="Score only so many rows of the split.")
@click.option("--threads", default=2, show_default=True, type=options.AT_ONCE, help="CPU threads of every model.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="By default artifacts/results, and pictures/ in it with --pictures.",
)
@click.option("--readme", is_flag=True, help="Also put the table into README.md.")
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "csv", "json"]))
def main(
    models: str | None,
    data: Path | None,
    pictures: Path | None,
    ask: tuple[str, ...],
    split: str,
    limit: int | None,
    threads: int,
    out: Path | None,
    readme: bool,
    form: str,
) -> None:
    """Compare trained models: accuracy, F1, calibration, latency, size. On FER2013 or, with --pictures, on your own."""
    from threadpoolctl import threadpool_limits

    from facial_emotion import paths, recognizers
    from facial_emotion.evaluation import results
    from facial_emotion.threads import limit_threads

    chosen = options.chosen_models(models)
    if pictures is not None and (data is not None or readme):
        raise InputError("--pictures", "without --data and --readme", "--data" if data else "--readme")
    asked = _asked(ask, pictures)
    loaded = [recognizers.load(name, threads) for name in chosen]
    limit_threads(threads)
    threadpool_limits(threads)
    if pictures is not None:
        _on_pictures(pictures, asked, loaded, threads, out or paths.RESULTS / "pictures", form)
        return
    crops, judge, about = _judge(data, split, limit)
    rows = [_measure(recognizer, crops, judge, threads) for recognizer in loaded]
    about = {**about, "host": results.host(threads)}
    out = out or (paths.RESULTS if data else paths.RESULTS / "recorded")
    _write(out, rows, about)
    if readme:
        results.into_readme(paths.ROOT / "README.md", rows, about)
    if form == "table":
        _print(results.tables(rows, about), f"results.csv, results.json and plots: {out}")
    else:
        click.echo(results.to_csv(rows) if form == "csv" else results.to_json(rows, about), nl=False)


def _asked(ask: tuple[str, ...], pictures: Path | None) -> dict[str, str]:
    """The emotions of other names, from NAME=EMOTION."""
    from facial_emotion.features.emotions import encode

    if ask and pictures is None:
        raise InputError("--ask", "--pictures with it", "none")
    asked = {}
    for words in ask:
        name, equals, emotion = words.partition("=")
        if not (name and equals):
            raise InputError("--ask", "NAME=EMOTION, as joy=happy", repr(words))
        encode([emotion])  # raises the error
        asked[name] = emotion
    return asked


def _on_pictures(
    folder: Path, asked: dict[str, str], recognizers: list[Recognizer], threads: int, out: Path, form: str
) -> None:
    """Judge recognizers on the files of a folder; write and print the results, and what was left out."""
    from facial_emotion.batch import own_pictures
    from facial_emotion.batch.collection import find, read
    from facial_emotion.evaluation import results
    from facial_emotion.terminal import bar, note

    sources, files = find(folder, asked)
    with bar("faces", len(sources)) as step:
        read(sources, files, step)
    with bar("models", len(recognizers)) as step:
        rows, answers = own_pictures.judge(recognizers, files.files, step)
    about = {"pictures": str(folder), "asked": asked, "host": results.host(threads)}
    own_pictures.write(out, rows, answers, files, about)
    for remark in files.remarks:
        note(remark)
    if form == "table":
        _print(own_pictures.tables(rows, files), f"{own_pictures.advice(rows)}\nresults, answers.csv and plots: {out}")
    else:
        text = own_pictures.as_csv(rows) if form == "csv" else own_pictures.as_json(rows, files, about)
        click.echo(text, nl=False)
    if files.unreadable:
        sys.exit(1)


def _judge(data: Path | None, split: str, limit: int | None) -> tuple[np.ndarray, Judge, dict[str, Any]]:
    """Crops to time on, the function that gives a recognizer's scores, and what to say of where they come from."""
    from facial_emotion import examples
    from facial_emotion.evaluation.scores import scores

    if data is None:
        crops = examples.crops()

        def recorded(recognizer: Recognizer) -> tuple[Scores, PeopleScores | None]:
            metrics = recognizer.card.metrics
            if split not in metrics:
                raise InputError(recognizer.name, f"metrics on {split} in its card", ", ".join(metrics) or "none")
            return metrics[split], recognizer.card.people.get(split)

        source = f"{split}, recorded in the models' cards (give --data to measure)"
        return (
            crops,
            recorded,
            {"measured": False, "accuracy_from": source, "split": split, "n_total": 0, "n_scored": 0},
        )

    from facial_emotion.data import fer2013
    from facial_emotion.evaluation.evaluate import people_scores
    from facial_emotion.recognizers import predict

    loaded = fer2013.load(data)
    part = loaded.split(split)
    crops, labels = part.crops[:limit], part.labels[:limit]
    duplicates = loaded.near_duplicates(split)[:limit]

    def measured(recognizer: Recognizer) -> tuple[Scores, PeopleScores | None]:
        found = predict(recognizer, crops, f"{recognizer.name}: scoring")
        people = people_scores(loaded, split, found, recognizer.threshold)
        return scores(found, labels, duplicates, recognizer.threshold), people

    about = {
        "measured": True,
        "accuracy_from": f"{split}, {len(crops)} of {len(part)} rows, measured",
        "split": split,
        "n_total": len(part),
        "n_scored": len(crops),
        "data_hash": loaded.hash,
    }
    return crops, measured, about


def _measure(recognizer: Recognizer, crops: np.ndarray, judge: Judge, threads: int) -> BenchmarkRow:
    """The benchmark of one model."""
    from facial_emotion import artifact, examples, paths
    from facial_emotion.evaluation import timing
    from facial_emotion.records import BenchmarkRow

    frame = examples.frame()
    latency = timing.latency(recognizer, crops)
    latency["frame to label"] = timing.repeated(lambda: label_of_frame(recognizer, frame), rounds=50)
    figures, people = judge(recognizer)
    return BenchmarkRow(
        model=recognizer.name,
        track=recognizer.card.track,
        labels=recognizer.card.labels,
        scores=figures,
        people=people,
        latency=latency,
        crops_per_second=timing.throughput(recognizer, crops),
        start=timing.cold_start(recognizer.name, threads, paths.ARTIFACTS),
        size_mb=artifact.size(recognizer.card) / 1e6,
    )


def label_of_frame(recognizer: Recognizer, rgb: np.ndarray) -> np.ndarray:
    """Detect and classify the faces of one video frame, uint8 RGB (h, w, 3): probabilities (n, 7)."""
    from facial_emotion import scene
    from facial_emotion.features.faces import DEFAULT_SEARCH, in_video

    _, crops = scene.detect(rgb, in_video(DEFAULT_SEARCH, rgb))
    return recognizer.predict_proba(crops)


def _write(out: Path, rows: list[BenchmarkRow], about: dict[str, Any]) -> None:
    from facial_emotion.evaluation import plots, results

    out.mkdir(parents=True, exist_ok=True)
    (out / "results.csv").write_text(results.to_csv(rows))
    (out / "results.json").write_text(results.to_json(rows, about))
    title = f"{about['split']}, {'measured' if about['measured'] else 'recorded'}"
    plots.accuracy_against_latency(rows, title, out / "accuracy_against_latency.png")
    for row in rows:
        path = out / f"confusion_{row.model}.png"
        plots.confusion_matrix(row.scores.confusion, f"{row.model}: {title}", path)


def _print(tables: list[Table], last: str) -> None:
    from rich.console import Console

    console = Console()
    for table in tables:
        console.print(table)
    console.print(last, soft_wrap=True, markup=False, highlight=False)


if __name__ == "__main__":
    run(main)
