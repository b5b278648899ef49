"""Labels below the recognizer's confidence threshold are marked as uncertain."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from facial_emotion import examples, scene
from facial_emotion.drawing import COLOURS, UNCERTAIN, annotated
from facial_emotion.errors import InputError
from facial_emotion.recognizers import Recognizer
from tests import made


def constant(threshold: float) -> Recognizer:
    """A recognizer whose answer is always happy, 0.52."""
    probabilities = np.full(7, 0.08, dtype=np.float32)
    probabilities[3] = 0.52
    return Recognizer(
        "constant", made.card(threshold=threshold), [("answer", lambda crops: np.tile(probabilities, (len(crops), 1)))]
    )


@pytest.mark.parametrize(
    ("threshold", "caption", "colour"),
    [(0.5, "happy 52%", COLOURS["happy"]), (0.6, "uncertain (happy 52%)", UNCERTAIN)],
)
def test_uncertainty_is_in_caption_table_and_drawing(
    threshold: float, caption: str, colour: tuple[int, int, int]
) -> None:
    rgb = examples.portrait()
    faces = scene.faces_in(rgb, constant(threshold))
    assert [face.caption for face in faces] == [caption]
    assert scene.table(faces)["certain"].tolist() == [threshold < 0.52]
    left, top, *_ = faces[0].box
    assert tuple(annotated(rgb, faces)[top + 40, left]) == colour


def test_detection_and_classification_give_the_faces_of_a_picture() -> None:
    rgb, recognizer = examples.portrait(), constant(0.5)
    faces, crops = scene.detect(rgb)
    assert len(faces) == 1
    assert crops.shape == (1, 48, 48)
    assert crops.dtype == np.uint8
    (face,), (expected,) = scene.classify(faces, crops, recognizer), scene.faces_in(rgb, recognizer)
    assert (face.number, face.label, face.threshold) == (1, "happy", 0.5)
    np.testing.assert_array_equal(face.box, expected.box)
    np.testing.assert_array_equal(face.probabilities, expected.probabilities)
    assert 0.4 < face.detection <= 1
    assert scene.classify(faces.take(slice(0)), crops[:0], recognizer) == []


def test_faces_of_a_shrunk_copy_have_the_same_crops() -> None:
    rgb = examples.portrait()
    (face,) = scene.faces_in(rgb, constant(0.5))
    (half,) = scene.scaled([face], 0.5)
    np.testing.assert_allclose(half.box, face.box / 2, atol=0.5)
    assert half.transform is not None
    small = cv2.cvtColor(cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    crop = cv2.warpAffine(small, half.transform, (48, 48), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(crop.astype(int) - face.crop).mean() < 4


def test_faces_are_values_that_json_has() -> None:
    rgb, recognizer = examples.portrait(), constant(0.5)
    (face,), (again,) = (scene.faces_in(rgb, recognizer) for _ in range(2))
    assert face == again
    assert {face, again, replace(face, number=2), replace(face, box=face.box + 1)} == {
        face,
        replace(face, number=2),
        replace(face, box=face.box + 1),
    }
    assert face != replace(face, transform=None)
    assert face != "face"
    plain = face.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["box"] == face.box.tolist()
    assert (plain["label"], plain["confidence"], plain["probabilities"]["sad"]) == ("happy", 0.52, 0.08)


def test_a_table_has_the_same_types_with_and_without_faces() -> None:
    faces = scene.faces_in(examples.portrait(), constant(0.5))
    full, empty = scene.table(faces), scene.table([])
    assert full.dtypes.tolist() == empty.dtypes.tolist()
    assert [str(full[name].dtype) for name in ("left", "certain", "sad")] == ["int64", "bool", "float64"]
    assert len(empty) == 0


def test_notebooks_show_a_face_with_its_bars() -> None:
    (face,) = scene.faces_in(examples.portrait(), constant(0.6))
    shown = face._repr_html_()
    assert "1: uncertain (happy 52%)" in shown
    assert [text in shown for text in ("data:image/png;base64,", "width:62px", "<script")] == [True, True, False]


def test_a_list_of_pictures_gives_a_list_for_each_by_a_models_name_too() -> None:
    rgb = examples.portrait()
    empty = np.zeros((60, 80, 3), np.uint8)
    assert scene.faces_in([rgb, empty], "cnn") == [scene.faces_in(rgb, "cnn"), []]
    assert scene.faces_in([]) == []
    with pytest.raises(InputError, match="model: expected one of "):
        scene.faces_in(rgb, "nothing")
