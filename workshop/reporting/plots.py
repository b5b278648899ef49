"""The report's pictures, as light PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import examples
from facial_emotion.data.csv_form import SPLITS
from facial_emotion.evaluation.plots import pyplot
from facial_emotion.features.crops import crop_faces
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import find_faces
from facial_emotion.features.landmarks import align, find_landmarks


def save(figure: Any, path: Path) -> None:
    """Write a figure with few colours, so that the file is small; the same figure gives the same bytes."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    figure.savefig(stream, dpi=100, metadata={"Software": None})
    pyplot().close(figure)
    Image.open(stream).convert("RGB").quantize(64).save(path, optimize=True)


def classes(splits: dict[str, Any], path: Path) -> None:
    """The share of each emotion in each split."""
    figure, axes = pyplot().subplots(figsize=(7, 3), layout="constrained")
    for index, name in enumerate(SPLITS):
        counts = np.array([splits[name]["per_class"][emotion] for emotion in EMOTIONS])
        axes.bar(np.arange(len(EMOTIONS)) + 0.27 * (index - 1), 100 * counts / counts.sum(), 0.26, label=name)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set(ylabel="% of the split")
    axes.legend()
    save(figure, path)


def mean_faces(faces: np.ndarray, points: np.ndarray, path: Path) -> None:
    """The mean aligned face (7, 64, 64) of each emotion, with its mean landmarks (7, 68, 2)."""
    figure, row = pyplot().subplots(1, len(EMOTIONS), figsize=(10, 1.8), layout="constrained")
    for axes, face, at, name in zip(row, faces, points, EMOTIONS, strict=True):
        axes.imshow(face, cmap="gray")
        axes.plot(*at.T, ".", markersize=2, color="tab:orange")
        axes.set(title=name, xticks=[], yticks=[], xlim=(0, 63), ylim=(63, 0))
    save(figure, path)


def preprocessing(path: Path) -> None:
    """What happens to a photograph: found, cropped, landmarks, aligned. The photograph is scikit-image's."""
    import cv2

    rgb = examples.portrait()[:300, 60:400].copy()
    faces = find_faces(rgb)
    crops = crop_faces(rgb, faces)
    points = find_landmarks(crops)
    aligned, at = align(crops, points)
    left, top, right, bottom = (int(edge) for edge in faces.boxes[0])
    cv2.rectangle(rgb, (left, top), (right, bottom), (255, 220, 0), 3)
    figure, row = pyplot().subplots(1, 4, figsize=(10, 2.8), layout="constrained")
    row[0].imshow(rgb)
    for axes, face in zip(row[1:], (crops[0], crops[0], aligned[0]), strict=True):
        axes.imshow(face, cmap="gray", vmin=0, vmax=255)
    for axes, place in ((row[2], points[0]), (row[3], at[0])):
        side = axes.get_images()[0].get_array().shape[0]
        axes.plot(*place.T, ".", markersize=4, color="tab:orange")
        axes.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))
    for axes, title in zip(row, ("find", "crop", "landmarks", "align"), strict=True):
        axes.set(title=title, xticks=[], yticks=[])
    save(figure, path)


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


def training(histories: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Accuracy on augmented Training and on PublicTest, epoch by epoch, of each network."""
    figure, row = pyplot().subplots(
        1, len(histories), figsize=(5 * len(histories), 3), layout="constrained", squeeze=False
    )
    for axes, (name, history) in zip(row[0], histories.items(), strict=True):
        epochs = [each["epoch"] for each in history]
        axes.plot(epochs, [100 * each["accuracy"] for each in history], label="augmented Training")
        axes.plot(epochs, [100 * each["held_out_accuracy"] for each in history], label="PublicTest")
        axes.set(title=name, xlabel="epoch", ylabel="accuracy, %")
        axes.grid(alpha=0.3)
        axes.legend()
    save(figure, path)
