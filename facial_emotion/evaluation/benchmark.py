"""The benchmark of trained models on FER2013: their scores, and how fast they are here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from facial_emotion import artifact, examples, recognizers, scene
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.errors import InputError
from facial_emotion.evaluation import plots, results, tables, timing
from facial_emotion.evaluation.advice import Advice, Candidate, advise, in_words, prior, sentences
from facial_emotion.evaluation.evaluate import choices, people_scores
from facial_emotion.evaluation.scores import scores
from facial_emotion.features.faces import DEFAULT_SEARCH, in_video
from facial_emotion.recognizers import Recognizer
from facial_emotion.records import BenchmarkRow, Json, PeopleScores, Scores
from facial_emotion.terminal import bar

# Gives a recognizer's scores against FER2013's labels and, where there are any, against people's votes; and bool (n,),
# on which rows it is right by the labels that it answers with, where that is measured.
Judge = Callable[[Recognizer], tuple[Scores, PeopleScores | None, np.ndarray | None]]


def run(
    loaded: list[Recognizer], data: Fer2013 | None, split: str, limit: int | None, threads: int, margin: float
) -> tuple[list[BenchmarkRow], Json]:
    """Measure recognizers: a row for each, and what to say of the data, the machine, and which model to take.

    Without data the scores are those of the models' cards. margin: accuracy, 0-1, by which a faster model may be worse.
    """
    crops, judge, about = _judge(data, split, limit)
    rows, right = [], {}
    with bar("models", len(loaded), still=True) as step:
        for recognizer in loaded:
            step(recognizer.name, 0)
            row, right[recognizer.name] = _measure(recognizer, crops, judge, threads)
            rows.append(row)
            step(recognizer.name)
    asked = [labels for labels in results.QUESTIONS if labels != "balanced"]  # whose merit is not accuracy
    found = {labels: _advice(tables.of_question(rows, labels), right, labels, margin) for labels in asked}
    advice = {
        labels: {"take": one.take.model, "words": in_words(one), "sentences": sentences(one)}
        for labels, one in found.items()
        if one is not None
    }
    return rows, {**about, "host": results.host(threads), "advice": advice}


def _advice(rows: list[BenchmarkRow], right: dict[str, np.ndarray | None], labels: str, margin: float) -> Advice | None:
    """Which of the models of one question to take; None where none was judged by it."""
    candidates = [
        Candidate(
            row.model,
            row.own.accuracy,
            row.own.rows,
            row.latency["crop to label"].median_ms,
            prior(recognizers.card(row.model), labels),
            right[row.model],
        )
        for row in rows
        if tables.is_judged(row)
    ]
    return advise(candidates, margin) if candidates else None


def _judge(data: Fer2013 | None, split: str, limit: int | None) -> tuple[np.ndarray, Judge, Json]:
    """Crops to time on, the function that gives a recognizer's scores, and what to say of where they come from."""
    if data is None:
        crops = examples.crops()

        def recorded(recognizer: Recognizer) -> tuple[Scores, PeopleScores | None, None]:
            metrics = recognizer.card.metrics
            if split not in metrics:
                raise InputError(recognizer.name, f"metrics on {split} in its card", ", ".join(metrics) or "none")
            return metrics[split], recognizer.card.people.get(split), None

        source = f"{split}, recorded in the models' cards (give --data to measure)"
        return (
            crops,
            recorded,
            {"measured": False, "accuracy_from": source, "split": split, "n_total": 0, "n_scored": 0},
        )

    part = data.split(split)
    crops, labels = part.crops[:limit], part.labels[:limit]
    duplicates = data.near_duplicates(split)[:limit]

    def measured(recognizer: Recognizer) -> tuple[Scores, PeopleScores | None, np.ndarray]:
        probabilities = recognizer.predict_proba(crops)
        people = people_scores(data, split, probabilities, recognizer.threshold)
        asked = choices(data, split, recognizer.card.labels if people else "fer2013")[: len(crops)]
        right = (probabilities.argmax(axis=1) == asked)[asked >= 0]
        return scores(probabilities, labels, duplicates, recognizer.threshold), people, right

    about = {
        "measured": True,
        "accuracy_from": f"{split}, {len(crops)} of {len(part)} rows, measured",
        "split": split,
        "n_total": len(part),
        "n_scored": len(crops),
        "data_hash": data.hash,
    }
    return crops, measured, about


def _measure(
    recognizer: Recognizer, crops: np.ndarray, judge: Judge, threads: int
) -> tuple[BenchmarkRow, np.ndarray | None]:
    """The benchmark of one model, and on which rows it is right, where that is measured."""
    frame = examples.frame()
    latency = timing.latency(recognizer, crops)
    latency["frame to label"] = timing.repeated(lambda: label_of_frame(recognizer, frame), rounds=50)
    figures, people, right = judge(recognizer)
    row = BenchmarkRow(
        model=recognizer.name,
        track=recognizer.card.track,
        labels=recognizer.card.labels,
        scores=figures,
        people=people,
        latency=latency,
        crops_per_second=timing.throughput(recognizer, crops),
        start=timing.cold_start(recognizer.name, threads, recognizer.folder.parent),
        size_mb=artifact.size(recognizer.card) / 1e6,
    )
    return row, right


def label_of_frame(recognizer: Recognizer, rgb: np.ndarray) -> np.ndarray:
    """Detect and classify the faces of one video frame, uint8 RGB (h, w, 3): probabilities (n, 7)."""
    _, crops = scene.detect(rgb, in_video(DEFAULT_SEARCH, rgb))
    return recognizer.predict_proba(crops)


def write(out: Path, rows: list[BenchmarkRow], about: Json) -> None:
    """Write results.csv, results.json and plots into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.csv").write_text(results.to_csv(rows))
    (out / results.FILE).write_text(results.to_json(rows, about))
    title = f"{about['split']}, {'measured' if about['measured'] else 'recorded'}"
    plots.accuracy_against_latency(rows, title, out / "accuracy_against_latency.png")
    for row in rows:
        path = out / f"confusion_{row.model}.png"
        labels = "people's choice" if row.own is not row.scores else "FER2013's labels"
        plots.confusion_matrix(row.own.confusion, f"{row.model}, {labels}: {title}", path)
