"""Recognizers judged on pictures and videos of your own: figures, and which one to take.

A video is one file with one answer, the mean of the probabilities of its frames.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.batch.collection import Collection, LabelledFile
from facial_emotion.evaluation.results import flat
from facial_emotion.evaluation.scores import scores
from facial_emotion.evaluation.statistics import mcnemar, of_confusion, resampled
from facial_emotion.evaluation.timing import summary, timed
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer
from facial_emotion.records import Latency, Scores, to_json
from facial_emotion.terminal import table as new_table

if TYPE_CHECKING:
    from rich.table import Table

SIGNIFICANT = 0.05  # p of McNemar's test below which one model is called better than another


@dataclass(frozen=True)
class OwnScores:
    """One model on the files with a face. macro-F1 of ``scores`` is the mean over the emotions that there are.

    right_of_all: share of all readable files that were recognised; macro_f1_low, macro_f1_high: the 95 % interval;
    latency: from a picture's file to its label; p_of_best: p of McNemar's test that the best model is no better.
    """

    model: str
    labels: str
    scores: Scores
    right_of_all: float
    macro_f1_low: float
    macro_f1_high: float
    latency: Latency
    p_of_best: float


def judge(
    recognizers: list[Recognizer], files: list[LabelledFile], step: Callable[..., None]
) -> tuple[list[OwnScores], dict[str, np.ndarray]]:
    """The scores of recognizers on files, the best first, and their answers, (n, 7) for the n files with a face.

    Files without a face count in right_of_all alone.
    """
    judged = [file for file in files if len(file.crops)]
    labels = np.array([file.label for file in judged])
    answers, latencies = {}, {}
    for recognizer in recognizers:
        recognizer.predict_proba(judged[0].crops[:1])  # warm up
        rows, spent = [], []
        for file in judged:
            timings = [timed(recognizer.predict_proba, crop[None]) for crop in file.crops]
            rows.append(np.mean([row[0] for row, _ in timings], axis=0))
            spent += [before + seconds for before, (_, seconds) in zip(file.seconds, timings, strict=False)]
        answers[recognizer.name], latencies[recognizer.name] = np.stack(rows), summary(spent)
        step(recognizer.name)
    right = {name: rows.argmax(axis=1) == labels for name, rows in answers.items()}
    best = max(right, key=lambda name: int(right[name].sum()))
    made = [
        _scores(recognizer, answers[recognizer.name], labels, len(files), latencies[recognizer.name], right[best])
        for recognizer in recognizers
    ]
    return sorted(made, key=lambda each: -each.scores.accuracy), answers


def to_take(rows: list[OwnScores]) -> OwnScores:
    """The model to take: the fastest of those that are not clearly worse than the best."""
    equal = [row for row in rows if row is rows[0] or row.p_of_best >= SIGNIFICANT]
    return min(equal, key=lambda row: row.latency.median_ms)


def advice(rows: list[OwnScores]) -> str:
    """Which model to take and why, in a sentence."""
    best, chosen = rows[0], to_take(rows)
    files = f"these {best.scores.rows} files"
    if chosen.scores.accuracy == best.scores.accuracy:
        return f"Take {chosen.model}: none is right more often on {files}, and none as good is faster."
    return (
        f"Take {chosen.model}: {best.model} is right more often, but on {files} that may be chance "
        f"(p = {chosen.p_of_best:.2f}), and {chosen.model} is the fastest of which that is true."
    )


def _scores(
    recognizer: Recognizer, answers: np.ndarray, labels: np.ndarray, files: int, latency: Latency, best: np.ndarray
) -> OwnScores:
    """One model's scores. answers: (n, 7); best: bool (n,), where the best model is right."""
    right = answers.argmax(axis=1) == labels
    whole = scores(answers, labels, np.zeros(len(labels), dtype=bool), recognizer.threshold)
    counts = np.array(whole.confusion)
    present = counts.sum(axis=1) > 0
    macro_f1 = of_confusion(counts[None])["f1"][0, present].mean()
    low, high = np.quantile(of_confusion(resampled(counts))["f1"][:, present].mean(axis=1), [0.025, 0.975])
    return OwnScores(
        model=recognizer.name,
        labels=recognizer.card.labels,
        scores=replace(whole, macro_f1=float(macro_f1)),
        right_of_all=float(right.sum() / files),
        macro_f1_low=float(low),
        macro_f1_high=float(high),
        latency=latency,
        p_of_best=float(mcnemar(best, right)["p"]),
    )


def tables(rows: list[OwnScores], collection: Collection) -> list[Table]:
    """The figures of each model and the confusion matrix of the one to take, as tables for the terminal."""
    found, files = len(collection.with_face), len(collection.files)
    columns = ["model", "accuracy", "95 %\ninterval", "macro\nF1", "95 %\ninterval", "right of\nall files"]
    figures = new_table(f"a face in {found} of {files} files ({found / files:.0%}); accuracy on these", columns)
    spent = new_table(
        "certain answers, and milliseconds from file to label",
        ["model", "coverage", "accuracy\nthere", "median", "p95"],
    )
    for row in rows:
        shares, latency = row.scores, row.latency
        figures.add_row(
            row.model,
            f"{shares.accuracy:.1%}",
            f"{100 * shares.accuracy_low:.0f}-{100 * shares.accuracy_high:.0f}",
            f"{shares.macro_f1:.3f}",
            f"{row.macro_f1_low:.2f}-{row.macro_f1_high:.2f}",
            f"{row.right_of_all:.1%}",
        )
        certain = "-" if shares.accuracy_when_certain is None else f"{shares.accuracy_when_certain:.1%}"
        spent.add_row(row.model, f"{shares.coverage:.0%}", certain, f"{latency.median_ms:.1f}", f"{latency.p95_ms:.1f}")
    chosen = to_take(rows)
    confusion = new_table(f"{chosen.model}: files of each emotion (rows) by its answer", ["", *EMOTIONS])
    for emotion, counts in zip(EMOTIONS, chosen.scores.confusion, strict=True):
        if any(counts):
            confusion.add_row(emotion, *(str(count) if count else "." for count in counts))
    return [figures, spent, confusion]


def write(
    out: Path,
    rows: list[OwnScores],
    answers: dict[str, np.ndarray],
    collection: Collection,
    about: dict[str, Any],
) -> None:
    """Write results.json and results.csv, every file's answers as answers.csv, and a plot of each confusion matrix."""
    from facial_emotion.evaluation.plots import confusion_matrix

    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(as_json(rows, collection, about))
    (out / "results.csv").write_text(as_csv(rows))
    with (out / "answers.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label", "frames", "faces", *answers])
        judged = iter(range(len(collection.with_face)))
        for file in collection.files:
            index = next(judged) if len(file.crops) else None
            said = ["" if index is None else EMOTIONS[int(of_model[index].argmax())] for of_model in answers.values()]
            writer.writerow([file.path, EMOTIONS[file.label], file.frames, file.faces, *said])
    for row in rows:
        title = f"{row.model}: {row.scores.rows} files"
        confusion_matrix(row.scores.confusion, title, out / f"confusion_{row.model}.png")


def as_csv(rows: list[OwnScores]) -> str:
    """One line a model, every figure a column."""
    lines = [flat(to_json(row)) for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def as_json(rows: list[OwnScores], collection: Collection, about: dict[str, Any]) -> str:
    """Everything: the files' counts and what could not be used, the machine, and each model's figures."""
    files = {
        "files": len(collection.files),
        "with_face": len(collection.with_face),
        "without_face": [file.path for file in collection.files if not len(file.crops)],
        "several_faces": [file.path for file in collection.files if file.faces > 1],
        "unreadable": collection.unreadable,
        "folders_left_out": collection.unknown,
        "files_left_out": collection.others,
    }
    content = {**about, **files, "advice": advice(rows), "models": [to_json(row) for row in rows]}
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
