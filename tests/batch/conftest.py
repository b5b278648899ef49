"""A folder of pictures with and without faces, and of files that are not pictures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facial_emotion import examples

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: object) -> list[str]:
    """The command line of recognize.py with the model lightgbm."""
    return [sys.executable, "recognize.py", *map(str, arguments), "--model", "lightgbm"]


@pytest.fixture
def run() -> Run:
    """Run recognize.py with the given arguments."""

    def run_command(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)

    return run_command


def write_faces(folder: Path, count: int) -> None:
    """Write pictures with one face each, at up to 40 positions."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait = examples.portrait()[:300, 60:390]
    for index in range(count):
        Image.fromarray(np.roll(portrait, index % 40 - 20, axis=1)).save(folder / f"{index:03}.jpg")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    write_faces(folder / "some", 3)
    write_faces(folder / "more ö", 2)
    Image.new("RGB", (200, 100), "blue").save(folder / "sky.png")
    (folder / "notes.txt").write_text("not a picture")
    (folder / "text.jpg").write_text("not a picture")
    return folder
