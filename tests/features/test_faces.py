"""Face detection by both detectors: which faces are found, at which sizes and angles, and what is refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut, coffee

from facial_emotion import recognizers
from facial_emotion.errors import InputError
from facial_emotion.features import centerface
from facial_emotion.features.crops import crop_faces
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DETECTORS, SEEN, default_min_face, find_faces
from workshop.benchmarks.detection import FACELESS, faceless

CASES = Path(__file__).parent.parent.parent.parent / "shared" / "cases" / "pictures"
NOSE = (224, 121)  # of the portrait, in pixels


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    result: np.ndarray = astronaut()
    return result


def turned(rgb: np.ndarray, angle: float) -> np.ndarray:
    """The picture, turned around the nose."""
    matrix = cv2.getRotationMatrix2D(NOSE, angle, 1)
    return np.asarray(cv2.warpAffine(rgb, matrix, rgb.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_portrait_has_exactly_one_face(detector: str, portrait: np.ndarray) -> None:
    faces = find_faces(portrait, detector)
    assert len(faces) == 1
    left, top, right, bottom = faces.boxes[0]
    assert left < NOSE[0] < right
    assert top < NOSE[1] < bottom
    assert faces.scores[0] > DETECTORS[detector].threshold
    eyes_nose_mouth = np.array([(204, 101), (246, 102), (222, 121), (205, 141), (239, 143)])
    # dlib's points are only those of an average face in the box
    np.testing.assert_allclose(faces.points[0], eyes_nose_mouth, atol=6 if detector == "centerface" else 14)


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("picture", [coffee(), np.zeros((480, 640, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8)])
def test_no_face_is_an_empty_list(picture: np.ndarray, detector: str) -> None:
    faces = find_faces(picture, detector)
    assert (faces.boxes.shape, faces.scores.shape, faces.points.shape) == ((0, 4), (0,), (0, 5, 2))
    assert crop_faces(picture, faces).shape == (0, 48, 48)


@pytest.mark.slow
def test_pictures_without_faces_have_none() -> None:
    pictures = dict(faceless())
    assert set(FACELESS) <= set(pictures)
    assert {name: find_faces(rgb).boxes.tolist() for name, rgb in pictures.items() if len(find_faces(rgb))} == {}
    for name, rgb in pictures.items():
        assert len(find_faces(rgb, min_face=40)) == 0, name


@pytest.mark.parametrize("angle", range(-60, 61, 20))
def test_a_tilted_face_keeps_its_emotion(angle: int, portrait: np.ndarray) -> None:
    rgb = turned(portrait, angle)
    recognizer = recognizers.load("cnn")
    (probabilities,) = recognizer.predict_proba(crop_faces(rgb, find_faces(rgb)))
    assert EMOTIONS[int(probabilities.argmax())] == "happy"
    assert probabilities.max() > recognizer.threshold


@pytest.mark.parametrize("detector", DETECTORS)
def test_threads_get_the_same_faces(detector: str, portrait: np.ndarray) -> None:
    views = [portrait, portrait[:, ::-1].copy(), portrait[:300], np.zeros((90, 90, 3), np.uint8)]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda view: find_faces(view, detector), views * 5))
    for faces, view in zip(results, views * 5, strict=True):
        np.testing.assert_array_equal(faces.boxes, find_faces(view, detector).boxes)


def test_dlib_detectors_are_reused_by_threads(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    make, made = dlib.get_frontal_face_detector, []

    def count() -> dlib.fhog_object_detector:
        made.append(make())
        return made[-1]

    monkeypatch.setattr("facial_emotion.features.frontal._idle", [])
    monkeypatch.setattr(dlib, "get_frontal_face_detector", count)
    for _ in range(3):
        with ThreadPoolExecutor(1) as thread:
            thread.submit(find_faces, portrait, "dlib").result()
    assert len(made) == 1


@pytest.mark.parametrize("detector", DETECTORS)
def test_faces_come_from_left_to_right(detector: str, portrait: np.ndarray) -> None:
    faces = find_faces(np.hstack([portrait, portrait, portrait]), detector)
    assert len(faces) == 3
    assert np.all(np.diff(faces.boxes[:, 0]) > 400)


@pytest.mark.parametrize(
    ("detector", "scale"), [("centerface", 0.25), *((name, scale) for name in DETECTORS for scale in (0.5, 2.0, 8.0))]
)
def test_boxes_are_in_pixels_of_the_picture_as_given(detector: str, portrait: np.ndarray, scale: float) -> None:
    resized = cv2.resize(
        portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    faces = find_faces(resized, detector, min_face=80 * min(scale, 1))
    assert len(faces) == 1
    np.testing.assert_allclose(faces.boxes[0] / scale, find_faces(portrait, detector).boxes[0], atol=20)


@pytest.mark.parametrize("min_face", [15, SEEN, 20, 30])
def test_places_do_not_depend_on_how_large_the_network_sees_the_picture(min_face: int, portrait: np.ndarray) -> None:
    rgb = portrait[:500, :490].copy()  # sides that are no multiples of the network's
    (points,) = find_faces(rgb, min_face=min_face).points
    np.testing.assert_allclose(points.mean(axis=0), find_faces(portrait).points[0].mean(axis=0), atol=2.5)


def test_small_faces_of_a_large_picture_are_found_in_tiles(portrait: np.ndarray) -> None:
    head = cv2.resize(portrait[20:220, 120:320], (60, 60), interpolation=cv2.INTER_AREA)  # a face of 33 pixels
    large = np.full((2400, 3200, 3), 120, np.uint8)
    places = [(10, 10), (1500, 1100), (3130, 2330), (820, 2000), (1011, 1013)]
    for left, top in places:
        large[top : top + 60, left : left + 60] = head
    boxes = find_faces(large, min_face=30).boxes
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2).tolist()
    assert len(boxes) == len(places)
    for (x, y), (left, top) in zip(centres, sorted(places), strict=True):
        assert left < x < left + 60
        assert top < y < top + 60


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_every_pixel_of_a_side_is_in_the_core_of_one_tile(side: int, pixel: int) -> None:
    cores = [(start, core) for start, core in centerface._tiles(side) if core[0] <= pixel < core[1]]
    assert len(cores) == 1
    start = cores[0][0]
    if pixel < side:
        reach = centerface._OVERLAP / 2 - 1  # of the faces that lie whole in the tile
        assert start <= max(0, pixel - reach)
        assert min(side, pixel + reach) <= start + centerface._TILE


@pytest.mark.parametrize(
    ("width", "height", "expected"), [(640, 480, 24), (4000, 3000, 120), (6000, 600, 60), (300, 4000, 30)]
)
def test_the_smallest_face_follows_the_picture(width: int, height: int, expected: float) -> None:
    assert default_min_face(width, height) == pytest.approx(expected)


def test_six_faces_of_150_pixels_in_12_megapixels() -> None:
    path = CASES / "six_faces_150px_12MP.jpg"
    if not path.exists():
        pytest.skip(f"needs {path.name}, which is not part of the project")
    from facial_emotion.features.pictures import read_rgb

    assert len(find_faces(read_rgb(path))) == 6


@pytest.mark.parametrize(
    "wrong", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3)), "x.png"]
)
def test_pictures_that_are_not_rgb_are_rejected(wrong: object) -> None:
    with pytest.raises(InputError, match=r"picture: expected uint8 RGB, shape \(h, w, 3\)"):
        find_faces(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"detector": "haar"}, "detector: expected one of centerface, dlib, found 'haar'"),
        ({"min_face": 5}, "min_face: expected 10 or more pixels, found 5"),
        ({"min_face": float("nan")}, "min_face: expected 10 or more pixels, found nan"),
    ],
)
def test_settings_that_make_no_sense_are_rejected(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_faces(np.zeros((90, 90, 3), np.uint8), **settings)  # type: ignore[arg-type]


@pytest.mark.attack("a damaged face detector", "one line")
@pytest.mark.parametrize(
    ("content", "message"), [(b"", "found e3b0c44298fc"), (None, "expected the face detector and its card")]
)
def test_a_damaged_detector_is_one_line(
    content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "centerface.onnx"
    model.with_suffix(".json").write_text(json.dumps({"sha256": "0" * 64}))
    if content is not None:
        model.write_bytes(content)
    monkeypatch.setattr(centerface, "MODEL", model)
    monkeypatch.setattr(centerface, "CARD", model.with_suffix(".json"))
    monkeypatch.setattr(centerface, "_sessions", {})
    with pytest.raises(InputError, match=message) as caught:
        find_faces(np.zeros((90, 90, 3), np.uint8))
    assert "\n" not in str(caught.value)
