"""Crops: framed as FER2013's faces are, natural tilts kept and others turned back, for every box and picture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.data import astronaut, lfw_subset

from facial_emotion.errors import InputError
from facial_emotion.features.crops import NATURAL_TILT, crop_faces, crop_transforms, points_in_crop, tilts
from facial_emotion.features.faces import DETECTORS, Faces, find_faces
from facial_emotion.features.landmarks import find_landmarks

CROP_CALIBRATION = json.loads((Path(__file__).parent.parent.parent / "features" / "crop_calibration.json").read_text())


def face(left: float, top: float, side: float, angle: float = 0.0) -> Faces:
    """A face whose box is a square, turned clockwise by an angle in degrees."""
    box = np.array([[left, top, left + side, top + side]])
    shape = (points_in_crop() - points_in_crop().mean(axis=0)) * side / 48
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    points = shape @ np.array([[cosine, sine], [-sine, cosine]]) + [left + side / 2 - 0.5, top + side / 2 - 0.5]
    return Faces(box, np.ones(1, np.float32), points[None])


@pytest.mark.parametrize(("detector", "least"), [("centerface", 90), ("dlib", 80)])
def test_crops_have_the_alignment_and_scale_of_fer2013(detector: str, least: int) -> None:
    """Interocular distance and centre of the landmarks in crops of 100 photographs, against FER2013's Training."""
    distances, centres = [], []
    for small in lfw_subset()[:100]:
        grey = cv2.copyMakeBorder((small * 255).astype(np.uint8), 10, 10, 10, 10, cv2.BORDER_REPLICATE)
        large = cv2.resize(grey, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
        rgb = np.repeat(large[..., None], 3, axis=2)
        faces = find_faces(rgb, detector, threshold=DETECTORS[detector].most)
        if len(faces) != 1:
            continue
        points = find_landmarks(crop_faces(rgb, faces))[0] / 48
        distances.append(np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0)))
        centres.append(points[17:].mean(axis=0))
    assert len(distances) >= least
    assert np.median(distances) == pytest.approx(CROP_CALIBRATION["interocular_distance_in_crop"], abs=0.03)
    assert np.median(centres, axis=0) == pytest.approx(CROP_CALIBRATION["inner_centre_in_crop"], abs=0.03)


@given(left=st.floats(-500, 500), top=st.floats(-500, 500), side=st.floats(4, 2000), angle=st.floats(-179, 179))
def test_a_box_comes_to_its_place_whatever_its_position_size_and_angle(
    left: float, top: float, side: float, angle: float
) -> None:
    faces = replace(face(left, top, side, angle), detector="dlib")
    (matrix,) = crop_transforms(faces)
    assert np.degrees(tilts(faces.points)[0]) == pytest.approx(angle, abs=1e-6)
    place = CROP_CALIBRATION["box_in_crop"]["dlib"]
    centre = matrix @ [left + side / 2 - 0.5, top + side / 2 - 0.5, 1]
    expected = 48 * (np.array([place["left"], place["top"]]) + place["side"] / 2) - 0.5
    np.testing.assert_allclose(centre, expected, atol=1e-6)
    assert np.hypot(*matrix[:, 0]) == pytest.approx(48 * place["side"] / side)
    in_crop = faces.points @ matrix[:, :2].T + matrix[:, 2]
    left_over = np.degrees(tilts(in_crop)[0])
    assert left_over == pytest.approx(np.clip(angle, -NATURAL_TILT, NATURAL_TILT), abs=1e-6)


@given(
    change=arrays(np.float64, (1, 5, 2), elements=st.floats(-0.2, 0.2)),
    shift=arrays(np.float64, 2, elements=st.floats(-500, 500)),
    scale=st.floats(0.5, 20),
)
def test_the_shape_of_a_face_frames_it_alike_wherever_and_however_large_it_is(
    change: np.ndarray, shift: np.ndarray, scale: float
) -> None:
    """The same place in the crop and, however strange the shape, a crop of a sensible size."""
    near = Faces(np.array([[0, 0, 80, 100]]), np.ones(1, np.float32), (points_in_crop() / 48 + change) * [80, 100])
    far = Faces(near.boxes * scale + np.tile(shift, 2), near.scores, (near.points + 0.5) * scale + shift - 0.5)
    (before,), (after,) = crop_transforms(near), crop_transforms(far)
    np.testing.assert_allclose(after[:, :2] * scale, before[:, :2], atol=1e-6)
    np.testing.assert_allclose(after @ [*far.points[0, 0], 1], before @ [*near.points[0, 0], 1], atol=1e-4)
    assert 0.9 < 48 / np.hypot(*before[:, 0]) / np.sqrt(80 * 100) < 1.5


@given(angle=st.floats(NATURAL_TILT, 179))
def test_a_turned_face_is_framed_as_one_with_a_natural_tilt(angle: float) -> None:
    tilted, turned = (crop_transforms(face(100, 100, 80, degrees))[0] for degrees in (NATURAL_TILT, angle))
    assert np.hypot(*turned[:, 0]) == pytest.approx(np.hypot(*tilted[:, 0]), rel=1e-3)
    centre = [139.5, 139.5, 1]
    np.testing.assert_allclose(turned @ centre, tilted @ centre, atol=0.05)


@pytest.mark.parametrize("side", [12, 48, 150, 600, 1900])
def test_large_faces_are_averaged_not_sampled(side: int) -> None:
    """A fine checkerboard becomes grey; the picture is large enough for the face."""
    board = np.indices((2200, 2200)).sum(axis=0) % 2 * 255
    rgb = np.repeat(board.astype(np.uint8)[..., None], 3, axis=2)
    crop = crop_faces(rgb, face(100, 100, side))[0].astype(int)
    if side > 48:
        assert np.abs(crop - 127).max() < 45
    assert crop.mean() == pytest.approx(127, abs=4)


def test_crops_replicate_the_edge_of_the_picture() -> None:
    portrait = astronaut()
    faces = find_faces(portrait)
    whole = crop_faces(portrait, faces)
    cut_x, cut_y = faces.boxes[0, :2] + 20
    cut = portrait[cut_y:, cut_x:]
    moved = replace(faces, boxes=faces.boxes - [cut_x, cut_y] * 2, points=faces.points - [cut_x, cut_y])
    crop = crop_faces(cut, moved)
    assert np.abs(crop[0, 20:, 20:].astype(int) - whole[0, 20:, 20:]).mean() < 3
    assert crop_faces(portrait, face(-5000, -5000, 100)).shape == (1, 48, 48)


@pytest.mark.parametrize(
    "change",
    [
        {"boxes": np.zeros((1, 3))},
        {"points": np.zeros((1, 4, 2))},
        {"boxes": np.array([[10, 10, 10, 20]])},
        {"points": np.full((1, 5, 2), np.nan)},
        {"boxes": np.array([[0, 0, np.inf, 9]])},
    ],
)
def test_faces_that_are_none_are_rejected(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="faces: expected "):
        crop_faces(np.zeros((90, 90, 3), np.uint8), replace(face(10, 10, 50), **change))
