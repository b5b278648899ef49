"""Plots of a benchmark, as PNG."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import paths
from facial_emotion.evaluation.results import QUESTIONS
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import BenchmarkRow

_TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100)  # milliseconds


def accuracy_against_latency(rows: list[BenchmarkRow], title: str, path: Path) -> None:
    """Each model a point: milliseconds from crop to label, and accuracy by its own labels with its 95 % interval."""
    plt = pyplot()
    groups = {labels: [row for row in rows if row.labels == labels] for labels in QUESTIONS}
    groups = {labels: group for labels, group in groups.items() if group}
    figure, panels = plt.subplots(1, len(groups), figsize=(6 * len(groups), 4.5), layout="constrained", squeeze=False)
    for axes, (labels, group) in zip(panels[0], groups.items(), strict=True):
        for number, row in enumerate(sorted(group, key=lambda row: row.latency["crop to label"].median_ms)):
            figures, median = row.own, row.latency["crop to label"].median_ms
            height = 100 * figures.accuracy
            ends = [[height - 100 * figures.accuracy_low], [100 * figures.accuracy_high - height]]
            axes.errorbar(median, height, yerr=ends, fmt="o", capsize=3, markersize=8)
            offset = (7, -13 if number % 2 else 7)  # names of neighbours above and below
            axes.annotate(row.model, (median, height), textcoords="offset points", xytext=offset)
        axes.set(xscale="log", xlabel="milliseconds from crop to label, median", ylabel="accuracy, % (95 % interval)")
        axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
        axes.minorticks_off()
        medians = [row.latency["crop to label"].median_ms for row in group]
        axes.set_xlim(0.7 * min(medians), 3.5 * max(medians))  # room for the names
        axes.set_title(f"{QUESTIONS[labels]}: {title}")
        axes.margins(y=0.15)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def confusion_matrix(counts: list[list[int]], title: str, path: Path) -> None:
    """Share of each label's rows that each emotion was predicted for, with the counts' row sums beside the labels."""
    from sklearn.metrics import ConfusionMatrixDisplay

    plt = pyplot()
    matrix = np.array(counts)
    totals = matrix.sum(axis=1)
    shares = 100 * matrix / np.maximum(totals, 1)[:, None]
    figure, axes = plt.subplots(figsize=(6.5, 5.5), layout="constrained")
    names = [f"{name} ({total})" for name, total in zip(EMOTIONS, totals, strict=True)]
    display = ConfusionMatrixDisplay(shares)
    display.plot(ax=axes, cmap="Blues", values_format=".0f", colorbar=False, im_kw={"vmin": 0, "vmax": 100})
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=45, ha="right")
    axes.set_yticks(range(len(EMOTIONS)), names)
    axes.set(xlabel="predicted", ylabel="label (rows)", title=title)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def pyplot() -> Any:
    """Matplotlib, drawing into files, with its own files in the project's cache."""
    os.environ.setdefault("MPLCONFIGDIR", str(paths.CACHE / "matplotlib"))
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
