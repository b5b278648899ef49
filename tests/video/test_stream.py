"""Streams of synthetic video: a portrait that moves, disappears and returns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest

from facial_emotion import examples
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer
from facial_emotion.scene import Face
from facial_emotion.video.record import Record
from facial_emotion.video.stream import Settings, Stream, detection_interval
from tests import made

PORTRAIT = examples.portrait()[20:220, 120:320]


def scripted(name: str, answers: Iterator[int] | int) -> Recognizer:
    """A recognizer that gives one emotion after another, by index, a probability of 0.88."""

    def predict(crops: np.ndarray) -> np.ndarray:
        probabilities = np.full((len(crops), 7), 0.02, dtype=np.float32)
        probabilities[:, answers if isinstance(answers, int) else next(answers)] = 0.88
        return probabilities

    return Recognizer(name, made.card(), [("predict", predict)])


def frame(*places: tuple[int, int]) -> np.ndarray:
    """A grey picture with the portrait at each place (left, top)."""
    canvas = np.full((300, 520, 3), 120, dtype=np.uint8)
    for left, top in places:
        canvas[top : top + 200, left : left + 200] = PORTRAIT
    return canvas


@pytest.mark.parametrize("interval", [1, 4])
def test_a_moving_face_keeps_its_number(interval: int) -> None:
    stream = Stream(Settings(scripted("calm", 3), detection_interval=interval))
    for index in range(13):
        result = stream.process(frame((10 + 8 * index, 20 + 3 * index)), index / 25)
        assert [(face.number, face.label) for face in result.faces] == [(1, "happy")]
        left, top, right, bottom = result.faces[0].box
        assert abs((left + right) / 2 - (10 + 8 * index) - 103) < 12
        assert abs((top + bottom) / 2 - (20 + 3 * index) - 107) < 12
    assert ("detect" in result.stages) == ((index % interval) == 0)


def test_a_label_changes_when_another_emotion_has_led_for_the_hold_time() -> None:
    answers = iter([3, 5, 3, 5, 5, 5, 5, 5, 5])
    stream = Stream(Settings(scripted("flickering", answers), smoothing=0, hold=0.3))
    labels = [stream.process(frame((50, 20)), 0.1 * index).faces[0].label for index in range(9)]
    assert labels == ["happy"] * 5 + ["surprise"] * 4


@pytest.mark.parametrize("interval", [1, 4])
def test_a_face_keeps_its_number_when_the_frames_become_smaller(interval: int) -> None:
    stream = Stream(Settings(scripted("calm", 3), detection_interval=interval))
    small = frame((300, 90))
    large = np.ascontiguousarray(cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    for index, picture in enumerate((large, small, small, large)):
        assert [face.number for face in stream.process(picture, index / 25).faces] == [1]


def test_two_faces_have_two_numbers_and_a_late_return_gets_a_new_one() -> None:
    stream = Stream(Settings(scripted("calm", 3)))
    results = [stream.process(frame((0, 20), (300, 20)), 0.0), stream.process(frame((6, 20), (294, 20)), 0.04)]
    assert [[face.number for face in result.faces] for result in results] == [[1, 2], [1, 2]]
    assert [face.number for face in stream.process(frame((10, 20)), 0.08).faces] == [1]
    assert [face.number for face in stream.process(frame((10, 20), (290, 20)), 0.3).faces] == [
        1,
        2,
    ]  # before the timeout
    assert stream.process(frame(), 0.4).faces == []
    assert [face.number for face in stream.process(frame((10, 20)), 2.0).faces] == [3]


@pytest.mark.attack("an empty frame in a live stream", "the stream goes on")
def test_an_empty_frame_does_not_end_the_stream() -> None:
    stream = Stream(Settings(scripted("calm", 3), detection_interval=1))
    frames = frame((50, 20)), np.zeros((0, 0, 3), np.uint8), frame((50, 20))
    found = [stream.process(rgb, index / 25).faces for index, rgb in enumerate(frames)]
    assert [[face.number for face in faces] for faces in found] == [[1], [], [1]]


def test_a_face_that_is_covered_for_half_a_second_keeps_its_number() -> None:
    stream = Stream(Settings(scripted("calm", 3), detection_interval=1))
    covered = frame((50, 20))
    covered[:, 40:260] = (90, 70, 60)
    for index in range(30):
        result = stream.process(covered if 8 <= index < 20 else frame((50, 20)), index / 25)
        assert [face.number for face in result.faces] == ([] if 8 <= index < 20 else [1]), index


@pytest.mark.parametrize("interval", [1, 4])
@pytest.mark.parametrize("same_background", [False, True])
def test_another_person_after_a_cut_gets_a_new_number_and_no_old_emotion(same_background: bool, interval: int) -> None:
    def other_person() -> np.ndarray:
        """Another face at the same place."""
        from skimage.data import grass, lfw_subset

        canvas = np.repeat(cv2.resize(grass(), (520, 300))[..., None], 3, axis=2)
        if same_background:
            canvas = frame((50, 20)).copy()
        face = cv2.resize((lfw_subset()[2] * 255).astype(np.uint8), (130, 130), interpolation=cv2.INTER_CUBIC)
        canvas[60:190, 90:220] = face[..., None]
        return canvas

    stream = Stream(Settings(scripted("turn", iter([3] * 5 + [4] * 5)), smoothing=5.0, detection_interval=interval))
    for index in range(5):
        (face,) = stream.process(frame((50, 20)), index / 25).faces
        assert (face.number, face.label) == (1, "happy")
    for index in range(2 if interval > 1 else 1):  # between two detections the cut is noticed one frame later
        after = stream.process(other_person(), 0.2 + 0.04 * index).faces
    assert [(face.number > 1, face.label) for face in after] == [(True, "sad")]


def label_changes(smoothing: float) -> int:
    """Changes of the label over 24 frames with alternating answers."""
    stream = Stream(Settings(scripted("flicker", iter([3, 6] * 20)), smoothing=smoothing))
    labels = [stream.process(frame((50, 20)), index / 25).faces[0].label for index in range(24)]
    return sum(one != other for one, other in pairwise(labels))


def test_smoothing_suppresses_flicker() -> None:
    assert label_changes(0.0) == 23
    assert label_changes(0.5) <= 1


def test_a_lasting_change_passes_the_smoothing() -> None:
    stream = Stream(Settings(scripted("turn", iter([3] * 10 + [4] * 20)), smoothing=0.2))
    labels = [stream.process(frame((50, 20)), index / 25).faces[0].label for index in range(30)]
    assert labels[9] == "happy"
    assert labels[-1] == "sad"
    assert labels.index("sad") <= 16


def test_the_model_can_be_switched_between_two_frames() -> None:
    stream = Stream(Settings(scripted("first", 3), smoothing=0))
    assert stream.process(frame((50, 20)), 0.0).model == "first"
    stream.change(recognizer=scripted("second", 0))
    result = stream.process(frame((50, 20)), 0.04)
    assert (result.model, result.faces[0].label, result.faces[0].number) == ("second", "angry", 1)


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ({"interval": 40.0, "detect": 50.0, "crop": 0.1, "recognise": 4.0}, 3),
        ({"interval": 40.0, "detect": 12.0, "crop": 0.1, "recognise": 4.0}, 1),
        ({"interval": 40.0, "detect": 12.0, "crop": 0.1, "recognise": 60.0}, 8),
        ({"detect": 50.0}, 1),
    ],
)
def test_slow_detection_runs_on_fewer_frames(means: dict[str, float], expected: int) -> None:
    assert detection_interval(means) == expected


def test_the_record_is_exported_as_csv() -> None:
    stream = Stream(Settings(scripted("calm", 3)))
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


def test_a_long_record_keeps_the_newest_rows() -> None:
    record = Record(max_rows=4096)
    face = Face(1, np.zeros(4, dtype=int), np.full(7, 1 / 7), made.crop(), detection=0.5)
    for index in range(10_000):
        record.add(index, face, "calm")
    assert 2048 <= len(record) <= 4096
    assert record.to_csv().splitlines()[-1].startswith("9999.000,1,0,0,0,0,0.5000,0.1429")
    assert record.to_csv().splitlines()[-1].endswith("angry,0.1429,True,calm")
