"""A made-up video: a portrait that moves, leaves and comes back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer
from facial_emotion.video.record import Record
from facial_emotion.video.stream import Settings, Stream

PORTRAIT = astronaut()[20:220, 120:320]


def saying(name: str, answers: Iterator[int] | int) -> Recognizer:
    """A recognizer that is nearly sure of one emotion after another."""

    def answer(crops: np.ndarray) -> np.ndarray:
        probabilities = np.full((len(crops), 7), 0.02, dtype=np.float32)
        probabilities[:, answers if isinstance(answers, int) else next(answers)] = 0.88
        return probabilities

    return Recognizer(name, {"threshold": 0.5}, [("answer", answer)])


def frame(*places: tuple[int, int]) -> np.ndarray:
    """A grey picture with the portrait at each place (left, top)."""
    canvas = np.full((300, 520, 3), 120, dtype=np.uint8)
    for left, top in places:
        canvas[top : top + 200, left : left + 200] = PORTRAIT
    return canvas


@pytest.mark.parametrize("every", [1, 4])
def test_a_moving_face_keeps_its_number(every: int) -> None:
    stream = Stream(Settings(saying("calm", 3), every=every))
    for index in range(13):
        view = stream.process(frame((10 + 8 * index, 20 + 3 * index)), index / 25)
        assert [(face.number, face.label) for face in view.faces] == [(1, "happy")]
        left, top, right, bottom = view.faces[0].box
        assert abs((left + right) / 2 - (10 + 8 * index) - 103) < 12
        assert abs((top + bottom) / 2 - (20 + 3 * index) - 107) < 12
    assert ("find" in view.stages) == ((index % every) == 0)


@pytest.mark.parametrize("every", [1, 4])
def test_a_face_keeps_its_number_when_the_frames_become_smaller(every: int) -> None:
    stream = Stream(Settings(saying("calm", 3), every=every))
    small = frame((300, 90))
    large = np.ascontiguousarray(cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    for index, picture in enumerate((large, small, small, large)):
        assert [face.number for face in stream.process(picture, index / 25).faces] == [1]


def test_two_faces_have_two_numbers_and_who_comes_back_late_a_new_one() -> None:
    stream = Stream(Settings(saying("calm", 3)))
    seen = [stream.process(frame((0, 20), (300, 20)), 0.0), stream.process(frame((6, 20), (294, 20)), 0.04)]
    assert [[face.number for face in view.faces] for view in seen] == [[1, 2], [1, 2]]
    assert [face.number for face in stream.process(frame((10, 20)), 0.08).faces] == [1]
    assert [face.number for face in stream.process(frame((10, 20), (290, 20)), 0.3).faces] == [1, 2]  # back in time
    assert stream.process(frame(), 0.4).faces == []
    assert [face.number for face in stream.process(frame((10, 20)), 2.0).faces] == [3]


def changes(smoothing: float) -> int:
    flickering = iter([3, 6] * 20)
    stream = Stream(Settings(saying("flicker", flickering), smoothing=smoothing))
    labels = [stream.process(frame((50, 20)), index / 25).faces[0].label for index in range(24)]
    return sum(one != other for one, other in pairwise(labels))


def test_smoothing_ends_flicker() -> None:
    assert changes(0.0) == 23
    assert changes(0.5) <= 1


def test_a_lasting_change_comes_through() -> None:
    stream = Stream(Settings(saying("turn", iter([3] * 10 + [4] * 20)), smoothing=0.2))
    labels = [stream.process(frame((50, 20)), index / 25).faces[0].label for index in range(30)]
    assert labels[9] == "happy"
    assert labels[-1] == "sad"
    assert labels.index("sad") <= 16


def test_the_model_is_switched_between_two_frames() -> None:
    stream = Stream(Settings(saying("first", 3), smoothing=0))
    assert stream.process(frame((50, 20)), 0.0).model == "first"
    stream.change(recognizer=saying("second", 0))
    view = stream.process(frame((50, 20)), 0.04)
    assert (view.model, view.faces[0].label, view.faces[0].number) == ("second", "angry", 1)


def test_where_detection_is_dear_it_runs_on_fewer_frames() -> None:
    stream = Stream(Settings(saying("calm", 3)))
    stream._means = {"interval": 40.0, "find": 50.0, "crop": 0.1, "recognise": 4.0}
    stream._frames = 10
    assert stream._affordable() == 3
    stream._means["find"] = 12.0
    assert stream._affordable() == 1
    stream._means["recognise"] = 60.0
    assert stream._affordable() == 8


def test_the_record_is_a_csv_of_all_that_was_seen() -> None:
    stream = Stream(Settings(saying("calm", 3)))
    for index in range(3):
        stream.process(frame((50, 20)), 100 + index / 25)
    rows = list(csv.DictReader(io.StringIO(stream.record.to_csv())))
    assert [(row["seconds"], row["face"], row["label"]) for row in rows] == [
        ("0.000", "1", "happy"),
        ("0.040", "1", "happy"),
        ("0.080", "1", "happy"),
    ]
    assert sum(float(rows[0][name]) for name in EMOTIONS) == pytest.approx(1, abs=1e-3)
    assert len(stream.history()) == 3
    stream.process(frame(), 200)
    assert stream.history() == []


def test_a_long_record_keeps_what_is_newest() -> None:
    record = Record(most=4096)
    for index in range(10_000):
        record.add(index, 1, np.zeros(4, dtype=int), np.full(7, 1 / 7))
    assert 2048 <= len(record) <= 4096
    assert record.to_csv().splitlines()[-1].startswith("9999.000,1,0,0,0,0,0.1429")
