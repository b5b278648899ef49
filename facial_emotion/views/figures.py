"""The benchmark's figures of each model, as the page that compares them shows them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from facial_emotion import recognizers
from facial_emotion.evaluation.tables import is_judged
from facial_emotion.records import BenchmarkRow
from facial_emotion.views import charts
from facial_emotion.views.language import t

_EXCLUDED = "excludes commercial use"  # in a card's licence


def confusion(row: BenchmarkRow) -> list[list[int]]:
    """A model's confusion matrix (7, 7) on the labels that it answers with."""
    if row.people is not None and row.labels != "fer2013":
        return row.people.choice.confusion
    return row.scores.confusion


def table(rows: list[BenchmarkRow], measured: Mapping[str, float]) -> pd.DataFrame:
    """The figures of each model, one row per model, by falling agreement with people; measured: ms a face, here."""
    frame = pd.DataFrame(
        {
            "model": row.model,
            "labels": row.labels,
            "track": t(row.track),
            "people's choice": row.people.choice.accuracy if row.people else None,
            "clear faces": row.people.clear.accuracy if row.people and row.people.clear else None,
            "accuracy": row.scores.accuracy,
            "without near-duplicates": row.scores.accuracy_without_duplicates,
            "macro-F1": row.scores.macro_f1,
            "ECE": row.scores.ece,
            "coverage": row.scores.coverage,
            "accuracy when certain": row.scores.accuracy_when_certain,
            "mean recall": row.own.mean_recall if is_judged(row) else None,
            charts.LATENCY: measured.get(row.model, row.latency["crop to label"].median_ms),
            "95th percentile, ms": None if measured else row.latency["crop to label"].p95_ms,
            "ms a frame": None if measured else row.latency["frame to label"].median_ms,
            "MB": row.size_mb,
            "commercial use": t("no") if _is_excluded(row.model) else t("yes"),
        }
        for row in rows
    ).sort_values("people's choice", ascending=False, ignore_index=True)
    frame.insert(1, "best at", badges(frame))
    return frame


def _is_excluded(name: str) -> bool:
    """Whether a licence excludes commercial use of a model."""
    return name in recognizers.names() and _EXCLUDED in recognizers.card(name).licence


def badges(frame: pd.DataFrame) -> pd.Series:
    """What each model is best at, as text; frame: as ``table`` makes it."""
    best = {
        t("best people's choice"): frame["people's choice"] == frame["people's choice"].max(),
        t("best accuracy"): frame["accuracy"] == frame["accuracy"].max(),
        t("fastest"): frame[charts.LATENCY] == frame[charts.LATENCY].min(),
        t("smallest"): frame["MB"] == frame["MB"].min(),
    }
    texts = [", ".join(name for name, holds in best.items() if holds[row]) for row in range(len(frame))]
    return pd.Series(texts, index=frame.index)
