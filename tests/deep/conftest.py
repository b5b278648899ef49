"""Fixtures of the deep track's tests: a recipe that trains in seconds, and commands as subprocesses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RECIPE: dict[str, Any] = {
    "network": {"stem": [4, 8], "stem_stride": 2, "stages": [[8, 1], [12, 1]], "squeeze": 2, "dropout": 0.2},
    "heads": {"fer2013": {"class_weight_power": 0.1, "label_smoothing": 0.05}},
    "stages": [{"epochs": 4, "learning_rate": 0.1}],
    "image_sizes": [[0, 32], [1, 48]],
    "batch": 16,
    "optimiser": {
        "kind": "sgd",
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 0.005,
        "warmup_epochs": 1,
        "clip": 5.0,
    },
    "augment": {
        "rotation": 10,
        "scale": 0.1,
        "shift": 0.05,
        "brightness": 5,
        "contrast": 0.1,
        "erasing": 0.1,
        "mixup": 0.2,
    },
    "mixup_until": 3,
    "ema_momentum": 0.9,
    "precision": "float32",
}
WAIT = 600  # seconds; a machine may be busy
Process = subprocess.Popen[str]
Command = Callable[..., Process]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(RECIPE))
    return path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Command]:
    """Start ``facial-emotion`` in the test's folder with an empty cache; what outlives the test is killed."""
    programs = []

    def started(*words: object, **env: str) -> Process:
        program = subprocess.Popen(
            [sys.executable, "-m", "facial_emotion", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "FER_CACHE": str(tmp_path / "cache"), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        programs.append(program)
        return program

    yield started
    for program in programs:
        program.kill()
        program.communicate()


def error_line(program: Process) -> str:
    """The only error line of a program that exits with code 2."""
    _, errors = program.communicate(timeout=WAIT)
    lines = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert program.returncode == 2, errors
    assert len(lines) == 1
    assert "Traceback" not in errors
    return lines[0]
