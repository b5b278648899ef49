"""Labels in pictures: within the picture, never over each other, and short where a face is small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.drawing import COLOURS, UNCERTAIN, annotated
from facial_emotion.labels import place_labels
from facial_emotion.scene import Face
from tests import made

CROP = made.crop()


def face(number: int, box: tuple[int, int, int, int], label: int = 3, confidence: float = 0.9) -> Face:
    probabilities = np.full(7, (1 - confidence) / 6, dtype=np.float32)
    probabilities[label] = confidence
    return Face(number, np.array(box), probabilities, CROP, threshold=0.5)


def crowd(count: int, width: int, height: int, rng: np.random.Generator) -> list[Face]:
    """Faces on a grid, moved and sized at random, so that neighbours may touch."""
    columns = int(np.ceil(np.sqrt(count * width / height)))
    rows = -(-count // columns)
    faces = []
    for index in range(count):
        side = int(min(width / columns, height / rows) * rng.uniform(0.3, 1.0))
        left = int((index % columns) * width / columns + rng.uniform(0, width / columns - side))
        top = int((index // columns) * height / rows + rng.uniform(0, height / rows - side))
        box = (left, top, left + side, top + side)
        faces.append(face(index + 1, box, int(rng.integers(7)), float(rng.uniform(0.3, 1))))
    return faces


def overlap(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


@given(count=st.integers(1, 40), seed=st.integers(0, 1000))
def test_labels_of_a_crowd_are_in_the_picture_and_over_nothing_else(count: int, seed: int) -> None:
    faces = crowd(count, 1280, 960, np.random.default_rng(seed))
    labels = place_labels(faces, 1280, 960)
    assert None not in labels
    boxes = [label.box for label in labels if label]
    for index, box in enumerate(boxes):
        assert box[0] >= 0 <= box[1]
        assert box[2] <= 1280
        assert box[3] <= 960
        assert not any(overlap(box, other) for other in boxes[index + 1 :])
        assert not any(overlap(box, tuple(other.box)) for other in faces[:index] + faces[index + 1 :])


def test_labels_of_faces_that_overlap_stay_apart() -> None:
    faces = [face(number, (5 * number, 4 * number, 5 * number + 60, 4 * number + 60)) for number in range(1, 8)]
    boxes = [label.box for label in place_labels(faces, 120, 100) if label]
    assert len(boxes) > 2
    assert not any(overlap(box, other) for index, box in enumerate(boxes) for other in boxes[index + 1 :])


@pytest.mark.parametrize(("side", "text"), [(300, "1 happy 90%"), (60, "1 happy"), (24, "1")])
def test_what_does_not_fit_the_face_is_left_out(side: int, text: str) -> None:
    (label,) = place_labels([face(1, (50, 100, 50 + side, 100 + side))], 640, 480)
    assert label is not None
    assert label.text == text
    assert label.box[2] - label.box[0] <= side


def test_uncertain_and_neutral_faces_look_different() -> None:
    picture = np.full((400, 400, 3), 77, np.uint8)
    neutral = annotated(picture, [face(1, (100, 100, 300, 300), label=6)])
    uncertain = annotated(picture, [face(1, (100, 100, 300, 300), label=6, confidence=0.3)])
    assert {tuple(pixel) for pixel in neutral[140:280, 100]} == {COLOURS["neutral"]}
    assert {tuple(pixel) for pixel in uncertain[140:280, 100]} == {UNCERTAIN, (0, 0, 0)}


def test_the_picture_itself_is_not_changed() -> None:
    picture = np.zeros((50, 50, 3), np.uint8)
    annotated(picture, [face(1, (-10, -10, 70, 70))], bars=True)
    assert not picture.any()
