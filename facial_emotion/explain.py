"""Explanations of a recognizer's answers: occlusion maps, and effects of descriptors and geometry components.

``occlusion`` works for every recognizer: it occludes a part of the face, or all but this part, and measures the change
of the log-odds (Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014). For recognizers
with handcrafted features, ``geometry`` and ``descriptors`` replace components or descriptors by their medians over the
training set. All effects are in nats of log-odds of a label; positive effects support the label.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from facial_emotion import artifact
from facial_emotion.errors import InputError
from facial_emotion.features import geometry as components
from facial_emotion.features import hog
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.extract import GRIDS, column_ranges, extract
from facial_emotion.features.landmarks import ALIGNED_SIDE, align, find_landmarks
from facial_emotion.recognizers import Recognizer
from facial_emotion.records import Json

# Rows of a crop, first and last exclusive, by what is there in a face that is framed as crops are.
REGIONS = {"brows": (0, 15), "eyes": (15, 23), "nose": (23, 29), "mouth": (29, 43), "chin": (43, 48)}
_PATCH, _STRIDE = 12, 4  # side of the occluded square and its stride, in pixels of the crop
_BATCH = 64  # feature rows that the classifier gets at once


@dataclass(frozen=True)
class Component:
    """A geometry component of a face: name, value, median over the training set, and effect on the label in nats."""

    name: str
    value: float
    median: float
    effect: float


def occlusion(recognizer: Recognizer, crop: np.ndarray, label: str) -> np.ndarray:
    """Occlusion map of a crop, uint8 (48, 48): effects on a label, float32 (48, 48).

    A square's effect is the mean of the loss where it alone is occluded and the gain where it alone is not, as in
    ``_effects``: a smile is often clear from the cheeks too, and then its mouth's loss alone says little. A pixel's
    effect is the mean over the squares that cover it. What is occluded is replaced by a blurred copy of the crop, with
    soft edges.
    """
    import cv2

    starts = np.arange(-_PATCH + _STRIDE, crop.shape[0], _STRIDE)
    blurred = cv2.GaussianBlur(crop, (0, 0), 8).astype(np.float32)
    masks = np.zeros((len(starts) ** 2, *crop.shape), dtype=np.float32)
    for index, (top, left) in enumerate((top, left) for top in starts for left in starts):
        masks[index, max(0, top) : top + _PATCH, max(0, left) : left + _PATCH] = 1
    weights = np.stack([cv2.GaussianBlur(mask, (0, 0), 1.5) for mask in masks])
    without = np.rint(crop * (1 - weights) + blurred * weights).astype(np.uint8)
    alone = np.rint(blurred * (1 - weights) + crop * weights).astype(np.uint8)
    starting = np.stack([crop, np.rint(blurred).astype(np.uint8)])
    odds = _log_odds(recognizer.predict_proba(np.concatenate([starting, without, alone])), label)
    loss, gain = odds[0] - odds[2 : 2 + len(masks)], odds[2 + len(masks) :] - odds[1]
    effects = ((loss + gain) / 2)[:, None, None]
    return ((effects * weights).sum(axis=0) / weights.sum(axis=0)).astype(np.float32)


def without_parts(recognizer: Recognizer, crop: np.ndarray, label: str) -> dict[str, float]:
    """The probability of a label where each part of a face is blurred away, by part, the lowest first.

    crop: uint8 (48, 48).
    """
    import cv2

    blurred = cv2.GaussianBlur(crop, (0, 0), 8)
    copies = np.stack([crop] * len(REGIONS))
    for copy, (top, bottom) in zip(copies, REGIONS.values(), strict=True):
        copy[top:bottom] = blurred[top:bottom]
    probabilities = recognizer.predict_proba(copies)[:, EMOTIONS.index(label)]
    return dict(sorted(zip(REGIONS, map(float, probabilities), strict=True), key=lambda item: item[1]))


def regions(heat: np.ndarray) -> dict[str, float]:
    """The mean effect of each part of the face in an occlusion map (48, 48), the largest first."""
    means = {name: float(heat[top:bottom].mean()) for name, (top, bottom) in REGIONS.items()}
    return dict(sorted(means.items(), key=lambda item: -item[1]))


def has_descriptors(recognizer: Recognizer) -> bool:
    """Whether the recognizer uses landmarks and descriptors."""
    return recognizer.card.features is not None


def geometry(recognizer: Recognizer, crop: np.ndarray, label: str, limit: int = 6) -> list[Component]:
    """The named geometry components of a crop, uint8 (48, 48), with the largest effects on a label, largest first."""

    columns = _columns(recognizer, "geometry")
    if columns is None:
        return []
    named = [index for index, name in enumerate(components.NAMES) if " of point " not in name]
    groups = [[columns[0] + index] for index in named]
    row, medians, effects = _effects(recognizer, crop, label, groups)
    order = np.argsort(-np.abs(effects))[:limit]
    return [
        Component(
            components.NAMES[named[index]],
            float(row[groups[index]][0]),
            float(medians[groups[index]][0]),
            float(effects[index]),
        )
        for index in order
    ]


def descriptors(recognizer: Recognizer, crop: np.ndarray, label: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The descriptors on a grid of a crop, uint8 (48, 48), and their effects on a label.

    Returns the aligned face uint8 (64, 64), the descriptors' centres float32 (k, 2) in it, and their effects (k,).
    """

    block = next((block for block in _recipe(recognizer)["blocks"] if block[0] in GRIDS), None)
    centres = hog.grid_points(ALIGNED_SIDE, block[-1]) if block else np.empty((0, 2), dtype=np.float32)
    columns = _columns(recognizer, block[0]) if block else None
    groups = np.array_split(np.arange(*columns), len(centres)) if columns else []
    _, _, effects = _effects(recognizer, crop, label, [group.tolist() for group in groups])
    face = align(crop[None], find_landmarks(crop[None]))[0][0]
    return face, centres, effects


def _effects(
    recognizer: Recognizer, crop: np.ndarray, label: str, groups: list[list[int]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of a crop (d,), their medians (d,), and the effect (k,) of each group of columns on a label.

    The effect is the mean of two log-odds differences: the loss where the group alone is replaced by the medians, and
    the gain where everything else is. These are the two extreme terms of a Shapley value (Lundberg and Lee, NeurIPS
    2017).
    """

    row, medians = extract(crop[None], _recipe(recognizer))[0], _medians(recognizer)
    without, alone = (np.repeat(start[None], len(groups), axis=0) for start in (row, medians))
    for index, columns in enumerate(groups):
        without[index, columns], alone[index, columns] = medians[columns], row[columns]
    rows = np.concatenate([row[None], medians[None], without, alone])
    steps = dict(recognizer.steps)
    probabilities = [steps["head"](steps["classifier"](part)) for part in np.array_split(rows, -(-len(rows) // _BATCH))]
    odds = _log_odds(np.concatenate(probabilities), label)
    loss, gain = odds[0] - odds[2 : 2 + len(groups)], odds[2 + len(groups) :] - odds[1]
    return row, medians, (loss + gain) / 2


def _recipe(recognizer: Recognizer) -> Json:
    """The feature recipe of a recognizer with handcrafted features."""
    if recognizer.card.features is None:
        raise InputError(recognizer.name, "a model with landmarks and descriptors", "none")
    return recognizer.card.features


def _medians(recognizer: Recognizer) -> np.ndarray:
    """The medians (d,) of the features over Training, which the artifact stores."""
    content = artifact.read_file(recognizer.folder, recognizer.card, artifact.TYPICAL)
    return np.load(io.BytesIO(content), allow_pickle=False).astype(np.float32)


def _columns(recognizer: Recognizer, kind: str) -> tuple[int, int] | None:
    """Start and stop column of the first feature block of a kind."""

    recipe = _recipe(recognizer)
    kinds = [name for name, *_ in recipe["blocks"]]
    return column_ranges(recipe)[kinds.index(kind)] if kind in kinds else None


def _log_odds(probabilities: np.ndarray, label: str) -> np.ndarray:
    """Log-odds (n,) of a label, from probabilities (n, 7)."""
    share = probabilities[:, EMOTIONS.index(label)].astype(np.float64)
    return np.log(np.maximum(share, 1e-6)) - np.log(np.maximum(1 - share, 1e-6))
