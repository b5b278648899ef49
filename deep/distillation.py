"""Knowledge distillation: a trained recognizer's predictions on Training become part of the targets.

Hinton et al., "Distilling the knowledge in a neural network", 2015; with teacher and student of one architecture,
Furlanello et al., "Born-again neural networks", ICML 2018. Many labels of FER2013 are wrong; the teacher's
probabilities soften these labels and give the alternatives.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion.deep import checkpoint
from facial_emotion.errors import InputError
from facial_emotion.records import to_json

FILE = "teacher.npz"  # beside the checkpoints, because the student may replace the teacher's artifact

# "model": a recognizer's name; "labels": of its card; "made_of": its files by hash, or an ensemble's members
TeacherInfo = dict[str, Any]


def write_teacher_predictions(name: str, crops: np.ndarray, folder: Path) -> None:
    """Predict crops uint8 (n, 48, 48) with a recognizer, and store that. Raises InputError for an unknown name."""
    from facial_emotion import recognizers

    recognizer = recognizers.load(name)
    probabilities = recognizers.predict(recognizer, crops, f"predictions of {name}")
    card = to_json(recognizer.card)
    info: TeacherInfo = {
        "model": name,
        "labels": recognizer.card.labels,
        "made_of": card.get("members") or card["files"],
    }
    arrays = {"probabilities": probabilities, "about": np.array(json.dumps(info))}
    checkpoint.write_npz(folder / FILE, arrays, "make room and start anew")


def read_teacher_predictions(folder: Path) -> np.ndarray:
    """The stored predictions of the teacher: probabilities float32 (n, 7). Raises InputError."""
    return _read(folder)[0]


def teacher_info(folder: Path) -> TeacherInfo:
    """Which recognizer made the stored predictions, and from which files. Raises InputError."""
    return _read(folder)[1]


def _read(folder: Path) -> tuple[np.ndarray, TeacherInfo]:
    path = folder / FILE
    try:
        with np.load(path, allow_pickle=False) as stored:
            return stored["probabilities"], json.loads(str(stored["about"]))
    except Exception as error:  # zipfile, numpy and json each raise their own
        reason = f"{type(error).__name__}: {error}"
        raise InputError(path, "the teacher's predictions", reason, "start anew") from error


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
