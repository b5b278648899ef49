"""Records made up for tests."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facial_emotion import paths
from facial_emotion.evaluation.scores import scores
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import BenchmarkRow, Card, ColdStart, Latency, Scores


def card(**changes: Any) -> Card:
    """A card with nothing in it but what is changed."""
    empty = Card(
        name="made",
        track="deep",
        input="crops",
        emotions=list(EMOTIONS),
        training={},
        threshold=0.5,
        metrics={split: some_scores() for split in ("PublicTest", "PrivateTest")},
        licence="MIT",
        files={},
    )
    return replace(empty, **changes)


def crop() -> np.ndarray:
    """A crop with detail everywhere, as answers on others are never certain."""
    return np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)


def some_scores(**changes: Any) -> Scores:
    """The scores of one right answer for each emotion."""
    labels = np.arange(len(EMOTIONS))
    probabilities = np.full((7, 7), 0.01) + 0.93 * np.eye(7)
    return replace(scores(probabilities, labels, np.zeros(7, dtype=bool), 0.5), **changes)


def row(**changes: Any) -> BenchmarkRow:
    """The benchmark of a made-up model."""
    latency = {"crop to label": Latency(2.25, 3.0), "frame to label": Latency(21.0, 25.0)}
    return replace(
        BenchmarkRow("mine", "deep", some_scores(), latency, 400.0, ColdStart(1.1, 0.2, 150.0), 9.64), **changes
    )


def copy_of_checkout(root: Path, without: tuple[str, ...] = ()) -> None:
    """Copy the files that git tracks, as they are now, to a new folder. without: endings of names to leave out."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, text=True, check=False)
    if not listed.stdout:
        pytest.skip("needs a checkout by git, which knows the project's files")
    for name in listed.stdout.strip("\0").split("\0"):
        if not name.endswith(without) and (paths.ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(paths.ROOT / name, root / name, follow_symlinks=False)


def many_scans(picture: Image.Image, more: int) -> bytes:
    """A progressive JPEG of a picture, with more scans than it needs."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    last = content.rindex(b"\xff\xda")
    header = content[last : last + 2 + int.from_bytes(content[last + 2 : last + 4], "big")]
    return content[:last] + header * more + content[last:]


def write_video(path: Path, count: int) -> None:
    """Write a video of a moving face at 25 frames per second."""
    import av

    from workshop.benchmarks.video import frames

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for frame in frames(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
