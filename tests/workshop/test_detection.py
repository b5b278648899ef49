"""Scenes with known faces, matching, and the framing of crops that are found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion import examples
from facial_emotion.errors import InputError
from facial_emotion.features.faces import DETECTORS, find_faces
from workshop.benchmarks.detection import match, measure, report, tables
from workshop.benchmarks.framing import measure as measure_framing
from workshop.benchmarks.scenes import CONDITIONS, Condition, Portrait, scenes

PORTRAIT = Portrait(examples.portrait(), find_faces(examples.portrait()).boxes[0].astype(float))


@pytest.mark.parametrize("condition", [replace(one, scenes=1) for one in CONDITIONS], ids=lambda one: one.name)
def test_a_scene_has_the_faces_that_it_says(condition: Condition) -> None:
    ((picture, boxes),) = scenes(condition, [PORTRAIT])
    assert picture.shape == (*condition.picture[::-1], 3)
    assert len(boxes) == condition.faces
    heights = boxes[:, 3] - boxes[:, 1]
    assert ((heights >= condition.size[0]) & (heights <= condition.size[1])).all()
    outside = np.maximum(-boxes[:, 0], 0) / (boxes[:, 2] - boxes[:, 0])
    np.testing.assert_allclose(outside, condition.outside, atol=0.05)
    assert (boxes[:, 1:] >= 0).all()
    assert (boxes[:, 2:] <= condition.picture).all()


def test_easy_faces_are_found_and_hard_ones_by_the_network_alone() -> None:
    easy = Condition("easy", (100, 160), scenes=2)
    assert [(recall.found, recall.faces, recall.false) for recall in measure(easy, [PORTRAIT])] == [(4, 4, 0)] * 2
    hard = replace(easy, rotation=45)
    network, dlib = measure(hard, [PORTRAIT])
    assert (network.found, network.false) == (4, 0)
    assert dlib.found < 4


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(20, 90)), max_size=6, unique=True))
def test_a_detection_matches_one_face_at_most(places: list[tuple[int, int, int]]) -> None:
    boxes = np.array([(x, y, x + side, y + side) for x, y, side in places], dtype=float).reshape(-1, 4)
    assert match(boxes, boxes) == len(boxes)
    assert match(np.repeat(boxes, 2, axis=0), boxes) <= len(boxes)
    assert match(boxes, boxes + 1000) == 0


def test_the_report_has_every_condition_and_refuses_pictures_without_a_face(monkeypatch: pytest.MonkeyPatch) -> None:
    few = (Condition("easy", (100, 160), scenes=1), Condition("turned", (100, 160), rotation=30, scenes=1))
    monkeypatch.setattr("workshop.benchmarks.detection.CONDITIONS", few)
    monkeypatch.setattr("workshop.benchmarks.detection.FACELESS", ("brick", "coffee"))
    figures = report([], threads=2)
    assert [(row["condition"], row["detector"]) for row in figures["recall"]] == [
        (name, detector) for name in ("easy", "turned") for detector in DETECTORS
    ]
    assert figures["pictures_without_faces"] == 4  # two of them noise
    assert set(figures["false"]) == set(figures["frame_640x480"]) == set(DETECTORS)
    lines = list(tables(figures))
    assert lines[1].split() == ["easy", "2/2,", "0", "false", "2/2,", "0", "false"]
    with pytest.raises(InputError, match="portrait: expected a picture of one face, found 0 faces"):
        report([np.zeros((99, 99, 3), np.uint8)], threads=2)


def test_crops_that_are_found_again_are_framed_as_before(crops: np.ndarray) -> None:
    seen = []
    result = measure_framing(crops[:30], "centerface", lambda: seen.append(1))
    assert len(seen) == 30
    assert result.found.sum() == len(result.crops) >= 25
    for name, position in result.positions.items():
        # These crops are of photographs that are framed differently from FER2013's: what is measured is the method.
        assert np.abs(np.array(position) - result.originals[name]).max() < 6, name
