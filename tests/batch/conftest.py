"""A folder as people have them: pictures with faces and without, some damaged, some of them none."""

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


def words(*given: object) -> list[str]:
    return [sys.executable, "recognize.py", *map(str, given), "--model", "lightgbm"]


@pytest.fixture
def run() -> Run:
    """recognize.py with some words, to its end."""

    def to_its_end(*given: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words(*given), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)

    return to_its_end


def faces(folder: Path, count: int) -> None:
    """Pictures with one face each, no two of them the same."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait = examples.portrait()[:300, 60:390]
    for index in range(count):
        Image.fromarray(np.roll(portrait, index % 40 - 20, axis=1)).save(folder / f"{index:03}.jpg")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    faces(folder / "some", 3)
    faces(folder / "more ö", 2)
    Image.new("RGB", (200, 100), "blue").save(folder / "sky.png")
    (folder / "notes.txt").write_text("not a picture")
    (folder / "text.jpg").write_text("not a picture")
    return folder
