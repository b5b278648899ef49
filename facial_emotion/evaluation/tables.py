"""A benchmark's results as tables for the terminal: the few figures that a choice hangs on, and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facial_emotion.evaluation.results import QUESTIONS, merit, share
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import BenchmarkRow, Json, Scores
from facial_emotion.terminal import table as new_table

if TYPE_CHECKING:
    from rich.table import Table

_RECORDED = "recorded in the models' cards"  # accuracies; times are always measured


def of_question(rows: list[BenchmarkRow], labels: str) -> list[BenchmarkRow]:
    """The models that answer with these labels, the best first, those that were not judged last."""
    return sorted((row for row in rows if row.labels == labels), key=lambda row: (not is_judged(row), -merit(row)))


def is_judged(row: BenchmarkRow) -> bool:
    """Whether a model was judged by the labels that it answers with: people's votes may be missing."""
    return row.labels == "fer2013" or row.people is not None


def short(rows: list[BenchmarkRow], labels: str, about: Json) -> Table:
    """What the models of one question are chosen by."""
    chosen = of_question(rows, labels)
    count = (
        f"{chosen[0].own.rows} rows of {about['split']}" if is_judged(chosen[0]) else "not judged, for lack of votes"
    )
    source = "measured" if about["measured"] else f"accuracy {_RECORDED}, times measured here"
    title = f"{QUESTIONS[labels]}: {count}, {source}; a frame has 640x480 pixels"
    table = new_table(title, ["model", "accuracy", "mean\nrecall", "ms a\nface", "ms a\nframe", "MB"])
    for row in chosen:
        table.add_row(
            row.model,
            *(share(each) if is_judged(row) else "-" for each in (row.own.accuracy, row.own.mean_recall)),
            *(f"{row.latency[stage].median_ms:.1f}" for stage in ("crop to label", "frame to label")),
            f"{row.size_mb:.1f}",
        )
    return table


def full(rows: list[BenchmarkRow], about: Json) -> list[Table]:
    """All figures: each model by the labels that it answers with, then by the others; speed, cost, and emotions."""
    measured = "measured" if about["measured"] else _RECORDED
    groups = [group for labels in QUESTIONS if (group := of_question(rows, labels))]
    tables = []
    for group in groups:
        title = f"{QUESTIONS[group[0].labels]}, by which these models answer, {measured}"
        tables.append(
            _accuracy(title, [(row.model, row.own, row.calibration_error) for row in group if is_judged(row)])
        )
    by_votes = [row for group in groups for row in group if row.people]
    if by_votes:
        tables.append(_votes(by_votes))
    for group in groups:
        other = "people" if group[0].labels == "fer2013" else "fer2013"
        title = f"models of {QUESTIONS[group[0].labels]}, judged by {QUESTIONS[other]}"
        judged = [
            (row.model, row.scores if other == "fer2013" else row.people.choice if row.people else None)
            for row in group
        ]
        tables.append(_accuracy(title, [(model, scores, scores.ece) for model, scores in judged if scores]))
    tables += [_speed(rows, about), _cost(rows)]
    for kind, name in (("recall", "recall"), ("precision", "precision"), ("f1", "F1")):
        tables.append(_emotions([row for group in groups for row in group], kind, name))
    return [table for table in tables if table.row_count]


def _accuracy(title: str, models: list[tuple[str, Scores, float]]) -> Table:
    """Accuracy and calibration. models: name, scores, and ECE, by votes for people's choice."""
    columns = [
        "model",
        "accuracy",
        "95 %\ninterval",
        "without\nduplicates",
        "mean\nrecall",
        "macro\nF1",
        "log\nloss",
        "ECE",
    ]
    table = new_table(title, [*columns, "coverage:\naccuracy"])
    for model, figures, ece in models:
        table.add_row(
            model,
            f"{figures.accuracy:.1%}",
            f"{100 * figures.accuracy_low:.1f}-{100 * figures.accuracy_high:.1f}",
            share(figures.accuracy_without_duplicates),
            share(figures.mean_recall),
            f"{figures.macro_f1:.3f}",
            f"{figures.log_loss:.3f}",
            f"{ece:.3f}",
            f"{figures.coverage:.0%}: {share(figures.accuracy_when_certain)}",
        )
    return table


def _votes(rows: list[BenchmarkRow]) -> Table:
    columns = ["model", "clear\nfaces", "without\nduplicates", "cross-\nentropy", "mean abs.\nerror"]
    table = new_table("ten people's votes (FER+): clear faces, and the shares of the votes", columns)
    for row in rows:
        if row.people is None:
            continue
        clear = row.people.clear
        table.add_row(
            row.model,
            share(clear.accuracy if clear else None),
            share(clear.accuracy_without_duplicates if clear else None),
            f"{row.people.cross_entropy:.3f}",
            f"{row.people.mean_absolute_error:.3f}",
        )
    return table


def _speed(rows: list[BenchmarkRow], about: Json) -> Table:
    # An ensemble's stages are its members, too many for columns; CSV and JSON have them.
    single = [row for row in rows if row.track != "ensemble"] or rows
    stages = list(dict.fromkeys(name for row in single for name in row.latency))
    title = f"milliseconds, median / p95, batch 1, {about['host']['threads']} threads, measured here"
    table = new_table(title, ["model", *stages])
    for row in rows:
        spent = [row.latency.get(stage) for stage in stages]
        cells = [f"{stage.median_ms:.2f} / {stage.p95_ms:.2f}" if stage else "-" for stage in spent]
        table.add_row(row.model, *cells)
    return table


def _cost(rows: list[BenchmarkRow]) -> Table:
    columns = ["model", "crops a second\n(batch 64)", "load, s", "cold start, s", "size, MB", "peak memory, MB"]
    table = new_table("cost, measured here; cold start: from process start to the first answer", columns)
    for row in rows:
        start = row.start
        table.add_row(
            row.model,
            f"{row.crops_per_second:.0f}",
            f"{start.load_s:.2f}",
            f"{start.first_answer_s:.2f}",
            f"{row.size_mb:.1f}",
            f"{start.peak_memory_mb:.0f}",
        )
    return table


def _emotions(rows: list[BenchmarkRow], kind: str, name: str) -> Table:
    table = new_table(f"{name} of each emotion, %, by the labels that the model answers with", ["model", *EMOTIONS])
    for row in rows:
        if is_judged(row):
            shares = (getattr(row.own.per_class[emotion], kind) for emotion in EMOTIONS)
            table.add_row(row.model, *(f"{100 * value:.0f}" for value in shares))
    return table
