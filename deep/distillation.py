"""Knowledge distillation: trained recognizers' predictions on Training become part of the targets.

Hinton et al., "Distilling the knowledge in a neural network", 2015; with teacher and student of one architecture,
Furlanello et al., "Born-again neural networks", ICML 2018. Many labels of FER2013 are wrong; the teacher's
probabilities soften these labels and give the alternatives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import recognizers
from facial_emotion.deep import checkpoint
from facial_emotion.deep.recipe import Recipe, Teacher
from facial_emotion.errors import InputError
from facial_emotion.records import Json, to_json
from facial_emotion.training import augment

if TYPE_CHECKING:
    from facial_emotion.deep.loop import Rows

_PART = 1024  # crops that are augmented at once
FILE = "teacher.npz"  # beside the checkpoints, because the student may replace the teacher's artifact

# "model": a recognizer's name; "labels": of its card; "made_of": its files by hash, or an ensemble's members
TeacherInfo = Json


def view(crops: np.ndarray, teacher: Teacher, number: int) -> np.ndarray:
    """The augmented view of crops uint8 (n, 48, 48) with this number, from 0: the same at every call."""
    if not teacher.augment:
        return crops
    rng, views = np.random.default_rng([number]), np.empty(crops.shape, np.uint8)
    for start in range(0, len(crops), _PART):
        part = crops[start : start + _PART]
        nothing = np.zeros((len(part), 1, 1), np.float32)
        augmented, _ = augment.augment_batch(part, nothing, teacher.augment, crops.shape[1], rng)
        views[start : start + _PART] = augmented[..., 0].round()
    return views


def write_teacher_predictions(teacher: Teacher, crops: np.ndarray, folder: Path) -> None:
    """Predict crops uint8 (n, 48, 48), or their views, and store that. Raises InputError for an unknown recognizer."""

    models = [recognizers.load(name) for name in teacher.models]
    count = max(1, teacher.views)
    answers: list[list[np.ndarray]] = [[] for _ in models]
    for number in range(count):
        seen = view(crops, teacher, number)
        for model, own in zip(models, answers, strict=True):
            own.append(recognizers.predict(model, seen, f"{model.card.name}, view {number + 1}/{count}"))
    infos: list[TeacherInfo] = []
    for model in models:
        card = to_json(model.card)
        made_of = card.get("members") or card["files"]
        infos.append({"model": model.card.name, "labels": model.card.labels, "made_of": made_of})
    arrays = {"probabilities": np.array(answers), "about": np.array(json.dumps(infos))}
    checkpoint.write_npz(folder / FILE, arrays, "make room and start anew")


def read_teacher_predictions(folder: Path) -> np.ndarray:
    """The stored predictions of the teachers: probabilities float32 (teachers, views, n, 7). Raises InputError."""
    return _read(folder)[0]


def teacher_info(folder: Path) -> list[TeacherInfo]:
    """Which recognizers made the stored predictions, and from which files. Raises InputError."""
    return _read(folder)[1]


def _read(folder: Path) -> tuple[np.ndarray, list[TeacherInfo]]:
    path = folder / FILE
    try:
        with np.load(path, allow_pickle=False) as stored:
            return stored["probabilities"], json.loads(str(stored["about"]))
    except Exception as error:  # zipfile, numpy and json each raise their own
        reason = f"{type(error).__name__}: {error}"
        raise InputError(path, "the teacher's predictions", reason, "start anew") from error


def read_lessons(recipe: Recipe, training: Rows, folder: Path) -> Callable[[int], Rows]:
    """The training rows by epoch, with the stored predictions of the recipe's teacher in. Raises InputError."""
    assert recipe.teacher is not None
    predictions, infos = _read(folder)
    labels, heads = [info["labels"] for info in infos], list(recipe.heads)
    if not set(labels) <= set(heads) or len(set(labels)) < len(labels):
        raise InputError("teacher", f"one with the labels {' or '.join(heads)}, or one for each", ", ".join(labels))
    return partial(taught, training, recipe.teacher, predictions, [heads.index(name) for name in labels])


def taught(training: Rows, teacher: Teacher, predictions: np.ndarray, heads: Sequence[int], epoch: int) -> Rows:
    """The training rows of an epoch: the view whose turn it is, and targets with the predictions in.

    predictions: probabilities (teachers, views, n, 7); heads: the index of each teacher's head.
    """
    number, targets = epoch % predictions.shape[1], training.targets
    for head, share, own in zip(heads, teacher.shares, predictions[:, number], strict=True):
        targets = blend(targets, own, share, head)
    return replace(training, crops=view(training.crops, teacher, number), targets=targets)


def blend(targets: np.ndarray, probabilities: np.ndarray, share: float, head: int) -> np.ndarray:
    """Targets float32 (n, heads, 7) in which one head's are blended with the teacher's probabilities (n, 7).

    share: the teacher's weight. A row's targets sum to what they summed to before. Raises InputError where the
    teacher's predictions are of another number of crops.
    """
    own = targets[:, head]
    if probabilities.shape != own.shape:
        raise InputError("teacher", f"probabilities {own.shape}", str(probabilities.shape), "start anew")
    blended = targets.copy()
    blended[:, head] = (1 - share) * own + share * probabilities * own.sum(axis=1, keepdims=True)
    return blended
