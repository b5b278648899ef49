"""Plots of a benchmark, as PNG."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import paths
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import BenchmarkRow

_MARKERS = {"people": "s", "fer2013": "o"}  # by the labels that a model answers with


def accuracy_against_latency(rows: list[BenchmarkRow], title: str, path: Path) -> None:
    """Each model a point: milliseconds from crop to label, and accuracy by its own labels with its 95 % interval."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for row in rows:
        figures, median = row.own, row.latency["crop to label"].median_ms
        height = 100 * figures.accuracy
        below, above = height - 100 * figures.accuracy_low, 100 * figures.accuracy_high - height
        axes.errorbar(median, height, yerr=[[below], [above]], fmt=_MARKERS[row.labels], capsize=3, markersize=8)
        axes.annotate(row.model, (median, height), textcoords="offset points", xytext=(9, 5))
    axes.set(xlabel="milliseconds from crop to label, median", ylabel="accuracy, % (95 % interval)")
    axes.set_title(f"{title}; squares by people's choice, circles by FER2013's labels", fontsize="medium")
    axes.margins(y=0.15)
    axes.set_xlim(0, 1.25 * max(row.latency["crop to label"].median_ms for row in rows))  # room for the names
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
