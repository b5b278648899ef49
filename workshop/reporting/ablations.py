"""What each part of the classical track is worth: LightGBM on less, and on more, than its recipe has.

Every variant is fitted alike, on Training, with smaller trees than the served model, so that all of them take minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.classical.models import lightgbm
from facial_emotion.classical.task import Task
from facial_emotion.features import hog
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.extract import column_ranges, extract_cached, mirror_of
from facial_emotion.features.landmarks import ALIGNED_SIDE
from facial_emotion.training.augment import moved
from facial_emotion.training.job import recipe_of

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013

_CELL, _CELLS, _STEP = 8, 2, 8
_GRID, _PATCHES, _GEOMETRY = ["grid", _CELL, _CELLS, _STEP], ["patches", 5, 2], ["geometry"]
_LBP = ["lbp", 1, 8, 8]
_SMALLER = {"num_leaves": 63, "feature_fraction": 0.06}  # than the recipe's, whose histograms take many gigabytes
# Name, feature blocks, and what else is other than in the recipe.
VARIANTS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("HOG of the crop as it is", [_GRID], {"aligned": False}),
    ("HOG of the aligned face", [_GRID], {}),
    ("geometry alone", [_GEOMETRY], {}),
    ("HOG at two scales", [_GRID, _PATCHES], {}),
    ("HOG at two scales, geometry", [_GRID, _PATCHES, _GEOMETRY], {}),
    ("LBP alone", [_LBP], {}),
    ("HOG at the landmarks, LBP, geometry", [_PATCHES, _LBP, _GEOMETRY], {}),
    ("HOG at two scales, geometry, moved copies too", [_GRID, _PATCHES, _GEOMETRY], {"moved": True}),
    ("HOG at two scales, geometry, no mirrored faces", [_GRID, _PATCHES, _GEOMETRY], {"mirrored_training": False}),
    ("HOG at two scales, geometry, no linear model first", [_GRID, _PATCHES, _GEOMETRY], {"linear_ridge": None}),
]


def measure(data: Fer2013, folder: Path, step: Callable[[], None], rounds: int) -> list[dict[str, Any]]:
    """Accuracy and macro-F1 of each variant on PublicTest and PrivateTest. Features are kept in ``folder``."""
    from sklearn.metrics import accuracy_score, f1_score

    whole = recipe_of("lightgbm")
    served = whole.fit
    training, held_out, judged = (data.split(name) for name in ("Training", "PublicTest", "PrivateTest"))
    rows = []
    for name, blocks, changes in VARIANTS:
        recipe = {"blocks": blocks}
        features = features_of(data.crops, blocks, folder, changes.get("aligned", True))
        copies = moved(training.crops, whole.augment, whole.copies if "moved" in changes else 0, seed=0)
        task = Task(
            features[training.rows],
            training.labels,
            features[held_out.rows],
            held_out.labels,
            mirror_of(recipe),
            column_ranges(recipe),
            moved=tuple(features_of(copy, blocks, folder, True) for copy in copies),
        )
        changed = {key: value for key, value in changes.items() if key in served}
        parameters = {**served["parameters"], **_SMALLER}
        fit = {**served, **changed, "parameters": parameters, "rounds": rounds}
        fitted = lightgbm.fit(task, fit)
        row: dict[str, Any] = {"variant": name, "columns": features.shape[1], "rounds": fitted.notes["rounds_used"]}
        for split, part in (("PublicTest", held_out), ("PrivateTest", judged)):
            predicted = fitted.scores(features[part.rows]).argmax(axis=1)
            row[split] = {
                "accuracy": float(accuracy_score(part.labels, predicted)),
                "macro_f1": float(
                    f1_score(part.labels, predicted, labels=range(len(EMOTIONS)), average="macro", zero_division=0)
                ),
            }
        rows.append(row)
        step()
    return rows


def features_of(crops: np.ndarray, blocks: list[Any], folder: Path, aligned: bool) -> np.ndarray:
    """The columns of some blocks, float16 (n, d); each block is extracted once, then kept."""

    if not aligned:
        return unaligned(crops)
    return np.concatenate([extract_cached(crops, {"blocks": [block]}, folder) for block in blocks], axis=1)


def unaligned(crops: np.ndarray) -> np.ndarray:
    """HOG on the same grid, but of the enlarged crop instead of the aligned face: float16 (n, d)."""
    import cv2

    size = (ALIGNED_SIDE, ALIGNED_SIDE)
    rows = []
    for crop in crops:
        maps = hog.orientation_maps(cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC))
        rows.append(hog.quantise(hog.normalise(hog.grid_histograms(maps, _CELL, _CELLS, _STEP))).ravel())
    return np.stack(rows).astype(np.float16)
