"""The report's pictures, as light PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facial_emotion.evaluation.plots import pyplot


def save(figure: Any, path: Path) -> None:
    """Write a figure with few colours, so that the file is small; the same figure gives the same bytes."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    figure.savefig(stream, dpi=100, metadata={"Software": None})
    pyplot().close(figure)
    Image.open(stream).convert("RGB").quantize(64).save(path, optimize=True)


def reliability(models: dict[str, Any], path: Path) -> None:
    """Accuracy against confidence of each model, before calibration and after."""
    figure, row = pyplot().subplots(
        1, len(models), figsize=(2.4 * len(models), 2.8), layout="constrained", sharey=True, squeeze=False
    )
    for axes, (name, figures) in zip(row[0], models.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="gray", linewidth=1)
        for kind, label, colour in (("reliability_before", "before", "darkgray"), ("reliability", "after", "tab:blue")):
            bins = figures["calibration"][kind]
            if bins:
                axes.plot(
                    [each["confidence"] for each in bins],
                    [each["accuracy"] for each in bins],
                    "o-",
                    ms=3,
                    label=label,
                    color=colour,
                )
        axes.set(title=name, xlabel="confidence", xlim=(0, 1), ylim=(0, 1))
    row[0][0].set(ylabel="accuracy")
    row[0][0].legend()
    save(figure, path)


def coverage(models: dict[str, Any], path: Path) -> None:
    """Accuracy against the share of answers that are given, the most confident first; a dot where 'uncertain' ends."""
    figure, axes = pyplot().subplots(figsize=(7, 3.6), layout="constrained")
    for name, figures in models.items():
        curve = figures["coverage"]
        (line,) = axes.plot(
            [100 * each["coverage"] for each in curve], [100 * each["accuracy"] for each in curve], label=name
        )
        certain = figures["own"]
        if certain["accuracy_when_certain"] is not None:
            axes.plot(100 * certain["coverage"], 100 * certain["accuracy_when_certain"], "o", color=line.get_color())
    axes.set(xlabel="answers given, %", ylabel="right, %")
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, path)
