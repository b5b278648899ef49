"""Image decoding, face detection, and crops with the alignment and scale of FER2013."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee, lfw_subset

from facial_emotion.errors import InputError
from facial_emotion.features.faces import crop_faces, crop_square, find_faces
from facial_emotion.features.landmarks import find_landmarks
from facial_emotion.features.pictures import MAX_PIXELS, array_to_rgb, read_rgb

CROP_CALIBRATION = json.loads((Path(__file__).parent.parent.parent / "features" / "crop_calibration.json").read_text())


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    result: np.ndarray = astronaut()
    return result


def test_the_portrait_has_exactly_one_face(portrait: np.ndarray) -> None:
    boxes = find_faces(portrait)
    assert boxes.shape == (1, 4)
    left, top, right, bottom = boxes[0]
    assert left < 224 < right  # the nose
    assert top < 127 < bottom


@pytest.mark.parametrize("picture", [coffee(), np.zeros((480, 640, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8)])
def test_no_face_is_an_empty_list(picture: np.ndarray) -> None:
    boxes = find_faces(picture)
    assert boxes.shape == (0, 4)
    assert crop_faces(picture, boxes).shape == (0, 48, 48)


def test_detectors_are_reused_by_threads(portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    make, made = dlib.get_frontal_face_detector, []

    def count() -> dlib.fhog_object_detector:
        made.append(make())
        return made[-1]

    monkeypatch.setattr("facial_emotion.features.faces._idle", [])
    monkeypatch.setattr(dlib, "get_frontal_face_detector", count)
    views = [portrait, portrait[:, ::-1].copy(), portrait[:300], np.zeros((90, 90, 3), np.uint8)]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(find_faces, views * 5))
    assert 1 <= len(made) <= 4
    for boxes, view in zip(results, views * 5, strict=True):
        np.testing.assert_array_equal(boxes, find_faces(view))
    for _ in range(3):  # later threads reuse a detector
        before = len(made)
        with ThreadPoolExecutor(1) as thread:
            thread.submit(find_faces, portrait).result()
        assert len(made) == before


def test_faces_come_from_left_to_right(portrait: np.ndarray) -> None:
    three = np.hstack([portrait, portrait, portrait])
    boxes = find_faces(three)
    assert len(boxes) == 3
    assert np.all(np.diff(boxes[:, 0]) > 400)


@pytest.mark.parametrize("scale", [0.5, 2.0, 8.0])
def test_detection_is_invariant_to_the_picture_size(portrait: np.ndarray, scale: float) -> None:
    resized = cv2.resize(
        portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    boxes = find_faces(resized, min_face=round(80 * min(scale, 1)))
    assert len(boxes) == 1
    np.testing.assert_allclose(boxes[0] / scale, find_faces(portrait)[0], atol=20)


def test_crops_have_the_alignment_and_scale_of_fer2013() -> None:
    """Interocular distance and centre of the landmarks in crops of 100 photographs, against FER2013's Training."""
    distances, centres = [], []
    for face in lfw_subset()[:100]:
        grey = cv2.copyMakeBorder((face * 255).astype(np.uint8), 10, 10, 10, 10, cv2.BORDER_REPLICATE)
        large = cv2.resize(grey, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
        rgb = np.repeat(large[..., None], 3, axis=2)
        boxes = find_faces(rgb, threshold=0.0)
        if len(boxes) != 1:
            continue
        points = find_landmarks(crop_faces(rgb, boxes))[0] / 48
        distances.append(np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0)))
        centres.append(points[17:].mean(axis=0))
    assert len(distances) >= 80
    assert np.median(distances) == pytest.approx(CROP_CALIBRATION["interocular_distance_in_crop"], abs=0.03)
    assert np.median(centres, axis=0) == pytest.approx(CROP_CALIBRATION["inner_centre_in_crop"], abs=0.03)


def test_crops_replicate_the_edge_of_the_picture(portrait: np.ndarray) -> None:
    box = find_faces(portrait)[0]
    left, top, side = crop_square(box)
    whole = crop_faces(portrait, box[None])
    cut = portrait[top + side // 3 :, left + side // 3 :]
    moved = box - [left + side // 3, top + side // 3] * 2
    crop = crop_faces(cut, moved[None])
    assert crop.shape == (1, 48, 48)
    assert np.abs(crop[0, 20:, 20:].astype(int) - whole[0, 20:, 20:]).mean() < 3
    outside = crop_faces(portrait, np.array([[-500, -500, -400, -400]]))
    assert outside.shape == (1, 48, 48)


@pytest.mark.parametrize("boxes", [np.zeros((1, 3), int), np.zeros(4, int), [[10, 10, 10, 20]]])
def test_invalid_boxes_are_rejected(boxes: object, portrait: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"expected (shape|left < right)"):
        crop_faces(portrait, boxes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3)), "x.png"]
)
def test_pictures_that_are_not_rgb_are_rejected(wrong: object) -> None:
    with pytest.raises(InputError, match=r"picture: expected uint8 RGB, shape \(h, w, 3\)"):
        find_faces(wrong)  # type: ignore[arg-type]


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def sixteen_bit(rgb: np.ndarray) -> Image.Image:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint16) * 257
    return Image.fromarray(grey)


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "jpeg": lambda rgb: encoded(Image.fromarray(rgb), "JPEG"),
    "webp": lambda rgb: encoded(Image.fromarray(rgb), "WEBP"),
    "bmp": lambda rgb: encoded(Image.fromarray(rgb), "BMP"),
    "grey png": lambda rgb: encoded(Image.fromarray(rgb).convert("L"), "PNG"),
    "rgba png": lambda rgb: encoded(Image.fromarray(rgb).convert("RGBA"), "PNG"),
    "palette gif": lambda rgb: encoded(Image.fromarray(rgb).quantize(256), "GIF"),
    "cmyk jpeg": lambda rgb: encoded(Image.fromarray(rgb).convert("CMYK"), "JPEG"),
    "16-bit png": lambda rgb: encoded(sixteen_bit(rgb), "PNG"),
    "rotated jpeg": lambda rgb: encoded(Image.fromarray(np.rot90(rgb).copy()), "JPEG", exif=exif(6)),
    "array": lambda rgb: rgb,
    "rgba array": lambda rgb: np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]),
    "16-bit array": lambda rgb: rgb.astype(np.uint16) * 257,
    "float array": lambda rgb: rgb / 255,
    "PIL image": Image.fromarray,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_format_decodes_to_the_same_picture(form: str, portrait: np.ndarray) -> None:
    rgb = read_rgb(FORMS[form](portrait))
    assert rgb.shape == portrait.shape
    assert rgb.dtype == np.uint8
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(int)
    assert np.abs(grey - cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)).mean() < 6
    assert len(find_faces(rgb)) == 1


def bomb(side: int) -> bytes:
    """A PNG whose header declares side x side pixels, without pixel data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_damaged_pictures_are_one_line_errors(portrait: np.ndarray, tmp_path: Path) -> None:
    whole = encoded(Image.fromarray(portrait), "JPEG")
    for content, message in (
        (b"", "found 0 bytes"),
        (b"not a picture", "found 13 bytes"),
        (whole[: len(whole) // 2], "bytes that are none"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "found 41 bytes"),
        (bomb(20_000), f"expected at most {MAX_PIXELS} pixels, found far more"),
        (bomb(12_000), f"expected at most {MAX_PIXELS} pixels, found 12000 x 12000"),
    ):
        path = tmp_path / "picture.jpg"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"picture\.jpg: expected") as caught:
            read_rgb(path)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="No such file"):
        read_rgb(tmp_path / "none.jpg")


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(9, np.uint8),
        np.full((4, 4), 1.5),
        np.zeros((4, 4), int),
    ],
)
def test_arrays_that_are_not_pictures_are_rejected(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="picture array: expected shape"):
        array_to_rgb(wrong)


def test_transparency_is_blended_with_white() -> None:
    half = np.zeros((2, 2, 4), np.uint8)
    half[..., 3] = 128
    assert array_to_rgb(half)[0, 0].tolist() == [127, 127, 127]
