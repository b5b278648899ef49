"""A trained recognizer as teacher: its probabilities on Training become part of the targets.

Hinton et al., "Distilling the knowledge in a neural network", 2015; where teacher and pupil are one architecture,
Furlanello et al., "Born-again neural networks", ICML 2018. Labels of FER2013 are often wrong; a teacher says
which ones it doubts, and what the face could be instead.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion.deep import checkpoint
from facial_emotion.errors import InputError

FILE = "teacher.npz"  # beside the checkpoints: the artifact that taught may be replaced by what it taught


def ask(name: str, crops: np.ndarray, folder: Path) -> None:
    """Keep in ``folder`` what a recognizer says of crops uint8 (n, 48, 48). Raises InputError for an unknown one."""
    from facial_emotion import recognizers

    recognizer = recognizers.load(name)
    probabilities = recognizers.predict(recognizer, crops, f"asking {name}")
    about = {"model": name, "made_of": recognizer.card.get("members") or recognizer.card["files"]}
    arrays = {"probabilities": probabilities, "about": np.array(json.dumps(about))}
    checkpoint.write(folder / FILE, arrays, "make room and start anew")


def kept(folder: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """What a recognizer said, probabilities float32 (n, 7), and which files it was. Raises InputError."""
    path = folder / FILE
    try:
        with np.load(path, allow_pickle=False) as stored:
            return stored["probabilities"], json.loads(str(stored["about"]))
    except Exception as error:  # zipfile, numpy and json each raise their own
        raise InputError(path, "what the teacher said", f"{type(error).__name__}: {error}", "start anew") from error


def blend(targets: np.ndarray, probabilities: np.ndarray, share: float) -> np.ndarray:
    """Targets float32 (n, 7) of which ``share`` is the teacher's. Raises InputError where it saw other crops."""
    if probabilities.shape != targets.shape:
        raise InputError("teacher", f"probabilities {targets.shape}", str(probabilities.shape), "start anew")
    return ((1 - share) * targets + share * probabilities).astype(np.float32)
