"""Recognizers judged on pictures and videos of your own: figures, and which one to take.

A video is one file with one answer, the mean of the probabilities of its frames.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import shares
from facial_emotion.batch.collection import Collection, LabelledFile
from facial_emotion.evaluation.advice import Candidate, advise, in_words, prior
from facial_emotion.evaluation.plots import confusion_matrix
from facial_emotion.evaluation.results import flat, share
from facial_emotion.evaluation.scores import scores
from facial_emotion.evaluation.statistics import of_confusion, resampled
from facial_emotion.evaluation.timing import summary, timed
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer
from facial_emotion.records import Card, Json, Latency, Scores, to_json
from facial_emotion.terminal import table as new_table

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class OwnScores:
    """One model on the files with a face. macro-F1 of ``scores`` is the mean over the emotions that there are.

    right_of_all: share of all readable files that were recognised; macro_f1_low, macro_f1_high: the 95 % interval;
    latency: from a picture's file to its label; face_ms: from a face that is found to its label, median; shares: of the
    emotions, where they were taken into account.
    """

    model: str
    labels: str
    scores: Scores
    right_of_all: float
    macro_f1_low: float
    macro_f1_high: float
    latency: Latency
    face_ms: float
    shares: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """Models on labelled files: the best first. answers: (n, 7) by model, of the n files with a face.

    take: the name of the model to take; advice: why, in words.
    """

    rows: list[OwnScores]
    answers: dict[str, np.ndarray]
    take: str
    advice: str

    @property
    def remarks(self) -> list[str]:
        """The shares of the emotions that each model's answers take into account, a sentence each."""
        return [
            f"{row.model}: shares of the emotions, {shares.in_words(list(row.shares.values()))}"
            for row in self.rows
            if row.shares
        ]


def judge(
    recognizers: list[Recognizer], files: list[LabelledFile], margin: float, step: Callable[..., None], wanted: str = ""
) -> Judged:
    """Judge recognizers on files. Files without a face count in right_of_all alone.

    margin: accuracy by which a faster model may be worse and is still called as good; wanted: the shares of the
    emotions, a text as of ``shares.check``. Raises InputError where there are too few files to estimate them.
    """
    judged = [file for file in files if len(file.crops)]
    labels = np.array([file.label for file in judged])
    answers, rows = {}, []
    for recognizer in recognizers:
        recognizer.predict_proba(judged[0].crops[:1])  # warm up
        means, of_faces, of_files = [], [], []
        for file in judged:
            timings = [timed(recognizer.predict_proba, crop[None]) for crop in file.crops]
            means.append(np.mean([row[0] for row, _ in timings], axis=0))
            of_faces += [seconds for _, seconds in timings]
            of_files += [before + seconds for before, (_, seconds) in zip(file.seconds, timings, strict=False)]
        found, answers[recognizer.name] = _with_shares(np.stack(means), wanted, recognizer.card)
        spent = summary(of_files), summary(of_faces).median_ms
        row = _scores(recognizer, answers[recognizer.name], labels, len(files), *spent)
        rows.append(replace(row, shares=found))
        step(recognizer.name)
    candidates = [
        Candidate(
            row.model,
            row.scores.accuracy,
            len(labels),
            row.face_ms,
            prior(recognizer.card, "people"),  # who sorts pictures answers as people do
            answers[row.model].argmax(axis=1) == labels,
        )
        for row, recognizer in zip(rows, recognizers, strict=True)
    ]
    advice = advise(candidates, margin, choose_on_rows=True)
    ranked = sorted(rows, key=lambda row: -row.scores.accuracy)
    return Judged(ranked, answers, advice.take.model, in_words(advice, own_pictures=True))


def _with_shares(answers: np.ndarray, wanted: str, card: Card) -> tuple[dict[str, float], np.ndarray]:
    """Shares of the emotions, none where none are wanted, and answers (n, 7) that take them into account."""
    if not wanted:
        return {}, answers
    found = shares.settled(wanted, card, lambda: answers)
    named = {name: float(share) for name, share in zip(EMOTIONS, found, strict=True)}
    return named, shares.adjusted(answers, found, card)


def _scores(
    recognizer: Recognizer, answers: np.ndarray, labels: np.ndarray, files: int, latency: Latency, face_ms: float
) -> OwnScores:
    """One model's scores. answers: (n, 7); files: the number of all."""
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
        face_ms=face_ms,
    )


def tables(judged: Judged, collection: Collection, full: bool) -> list[Table]:
    """What a model is chosen by, as a table for the terminal; full: with all figures, and the errors of one model."""
    found, files = len(collection.with_face), len(collection.files)
    columns = ["model", "accuracy", "95 %\ninterval", "ms a\nface", "ms a\nfile"]
    short = new_table(f"a face in {found} of {files} files ({found / files:.0%}); accuracy on these", columns)
    more = new_table(
        "all figures",
        ["model", "mean\nrecall", "macro\nF1", "95 %\ninterval", "right of\nall files", "coverage", "accuracy\nthere"],
    )
    for row in judged.rows:
        figures = row.scores
        ends = f"{100 * figures.accuracy_low:.0f}-{100 * figures.accuracy_high:.0f}"
        spent = f"{row.face_ms:.1f}", f"{row.latency.median_ms:.1f}"
        short.add_row(row.model, f"{figures.accuracy:.1%}", ends, *spent)
        more.add_row(
            row.model,
            share(figures.mean_recall),
            f"{figures.macro_f1:.3f}",
            f"{row.macro_f1_low:.2f}-{row.macro_f1_high:.2f}",
            f"{row.right_of_all:.1%}",
            f"{figures.coverage:.0%}",
            share(figures.accuracy_when_certain),
        )
    if not full:
        return [short]
    taken = next(row for row in judged.rows if row.model == judged.take)
    confusion = new_table(f"{taken.model}: files of each emotion (rows) by its answer", ["", *EMOTIONS])
    for emotion, counts in zip(EMOTIONS, taken.scores.confusion, strict=True):
        if any(counts):
            confusion.add_row(emotion, *(str(count) if count else "." for count in counts))
    return [short, more, confusion]


def write(out: Path, judged: Judged, collection: Collection, about: Json) -> None:
    """Write results.json and results.csv, every file's answers as answers.csv, and a plot of each confusion matrix."""

    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(as_json(judged, collection, about))
    (out / "results.csv").write_text(as_csv(judged))
    with (out / "answers.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label", "frames", "faces", *judged.answers])
        with_face = iter(range(len(collection.with_face)))
        for file in collection.files:
            index = next(with_face) if len(file.crops) else None
            lines = [
                "" if index is None else EMOTIONS[int(of_model[index].argmax())] for of_model in judged.answers.values()
            ]
            writer.writerow([file.path, EMOTIONS[file.label], file.frames, file.faces, *lines])
    for row in judged.rows:
        title = f"{row.model}: {row.scores.rows} files"
        confusion_matrix(row.scores.confusion, title, out / f"confusion_{row.model}.png")


def as_csv(judged: Judged) -> str:
    """One line a model, every figure a column."""
    lines = [flat(to_json(row)) for row in judged.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def as_json(judged: Judged, collection: Collection, about: Json) -> str:
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
    content = {
        **about,
        **files,
        "take": judged.take,
        "advice": judged.advice,
        "models": [to_json(row) for row in judged.rows],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
