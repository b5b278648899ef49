"""Analysis of a video step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facial_emotion.errors import InputError
from facial_emotion.video import analysis, reader
from facial_emotion.video.analysis import Analysis
from facial_emotion.video.reader import Frame
from facial_emotion.video.stream import Settings
from tests.video.test_stream import frame, scripted


def frames(count: int, error: str = "") -> Iterator[Frame]:
    for number in range(count):
        yield Frame(number, number / 25, frame((50 + number, 20)))
    if error:
        raise InputError(error)


def begin(folder: Path, count: int, error: str = "") -> Analysis:
    settings = Settings(scripted("calm", 3), detection_interval=1)
    return Analysis("film", frames(count, error), count, settings, folder / "copy.mp4")


def test_every_frame_is_recognised_and_copied(tmp_path: Path) -> None:
    running = begin(tmp_path, 10)
    assert list(running.run()) == [(number + 1) / 10 for number in range(10)]
    rows = running.record.rows
    np.testing.assert_allclose(rows["seconds"], np.arange(10) / 25)
    assert set(rows["emotion"].tolist()) == {3}
    assert set(running.stills) == {number / 25 for number in range(10)}
    assert len(list(reader.read(running.copy))) == 10


def test_a_long_video_is_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "MAX_FRAMES", 4)
    running = begin(tmp_path, 10)
    assert running.every == 3
    assert len(list(running.run())) == 4


def test_what_is_done_is_kept_where_it_is_stopped(tmp_path: Path) -> None:
    running = begin(tmp_path, 10)
    steps = running.run()
    for _ in range(4):
        next(steps)
    steps.close()
    assert len(running.record) == len(list(reader.read(running.copy))) == 4


def test_what_is_done_is_kept_where_the_video_ends_early(tmp_path: Path) -> None:
    running = begin(tmp_path, 5, "the rest is missing")
    assert len(list(running.run())) == 5
    assert str(running.error) == "the rest is missing"
    assert len(list(reader.read(running.copy))) == 5
