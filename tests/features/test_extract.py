"""Landmarks, alignment and descriptors of a crop."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facial_emotion.errors import InputError
from facial_emotion.features import extract, hog, lbp
from facial_emotion.features.landmarks import INNER, MIRROR, align, find_landmarks, mean_face, transforms

RECIPE: extract.Recipe = {"blocks": [["grid", 8, 2, 8], ["patches", 5, 4], ["lbp", 1, 8, 8], ["geometry"]]}


def test_the_mean_face_is_symmetric_and_inside() -> None:
    mirrored = mean_face()[MIRROR] * [-1, 1] + [63, 0]
    np.testing.assert_allclose(mirrored, mean_face(), atol=0.01)
    assert mean_face()[INNER].min() > 0
    assert mean_face()[INNER].max() < 63


@settings(deadline=None, max_examples=30)
@given(turn=st.floats(-0.6, 0.6), scale=st.floats(0.6, 1.6), x=st.floats(-8, 8), y=st.floats(-8, 8))
def test_alignment_undoes_shift_scale_and_rotation(turn: float, scale: float, x: float, y: float) -> None:
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = (mean_face() @ rotation.T + [x, y])[None]
    matrix = transforms(points)[0]
    np.testing.assert_allclose(points[0] @ matrix[:, :2].T + matrix[:, 2], mean_face(), atol=1e-3)


def test_landmarks_follow_a_mirrored_face(crops: np.ndarray) -> None:
    faces = crops[:20]
    points = find_landmarks(faces)
    mirrored = find_landmarks(np.ascontiguousarray(faces[:, :, ::-1]))[:, MIRROR]
    mirrored[..., 0] = 47 - mirrored[..., 0]
    assert np.median(np.abs(mirrored - points)) < 1.0


def test_mirroring_permutes_the_features(crops: np.ndarray) -> None:
    faces = crops[:10]
    describe = extract.describer(RECIPE)
    points = find_landmarks(faces)
    mirrored_points = points[:, MIRROR].copy()
    mirrored_points[..., 0] = 47 - mirrored_points[..., 0]
    of_mirrored = describe(*align(np.ascontiguousarray(faces[:, :, ::-1]), mirrored_points))
    index, sign = extract.mirror_of(RECIPE)
    described = describe(*align(faces, points))
    expected = sign * described[:, index]
    assert np.mean(np.abs(of_mirrored - expected) > 2) < 0.02  # integers 0-255, with rounding errors of the resampling
    assert np.mean(np.abs(described - expected) > 2) > 0.5


@pytest.mark.parametrize("turn", range(8))
def test_a_ramp_has_the_orientation_of_its_gradient(turn: int) -> None:
    y, x = np.mgrid[:64, :64]
    angle = turn * np.pi / 4
    ramp = 128 + 1.2 * ((x - 31.5) * np.cos(angle) + (y - 31.5) * np.sin(angle))
    maps = hog.orientation_maps(ramp.astype(np.uint8))
    assert maps.sum(axis=(0, 1)).argmax() == turn


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), radius=st.integers(1, 3))
def test_local_patterns_ignore_brightness_and_contrast(seed: int, radius: int) -> None:
    face = np.random.default_rng(seed).integers(0, 100, (64, 64)).astype(np.uint8)
    assert np.array_equal(lbp.patterns(face, radius), lbp.patterns(face * 2 + 40, radius))


def test_shares_of_local_patterns_are_those_around_a_point() -> None:
    flat = np.full((64, 64), 90, np.uint8)
    face = flat.copy()
    face[:, 40:] = np.random.default_rng(0).integers(0, 255, (64, 24))
    descriptors = lbp.describe_grid(face, 1, 8, 8).reshape(7, 7, lbp.PATTERNS)
    assert (descriptors[:, 0, lbp.patterns(flat, 1)[0, 0]] == 255).all()
    assert (np.abs(np.square(descriptors / 255).sum(axis=2) - 1) < 0.02).all()
    assert (descriptors[:, 6] > 0).sum() > 7 * 20


def test_descriptors_ignore_brightness_and_contrast(crops: np.ndarray) -> None:
    faces, points = align(crops[:5], find_landmarks(crops[:5]))
    for face, landmarks in zip(faces, points, strict=True):
        plain = hog.normalise(hog.histograms(hog.orientation_maps(face), landmarks[INNER], 5, 4))
        maps = hog.orientation_maps((face * 0.7 + 40).astype(np.uint8))
        lit = hog.normalise(hog.histograms(maps, landmarks[INNER], 5, 4))
        assert np.abs(plain - lit).mean() < 0.02
        assert 0.5 < np.linalg.norm(plain, axis=1).mean() < 1.01


def test_a_flat_face_has_empty_descriptors() -> None:
    maps = hog.orientation_maps(np.full((64, 64), 90, np.uint8))
    assert hog.histograms(maps, hog.grid_points(64, 8), 8, 2).max() == 0


def test_every_value_is_exact_in_half_precision(crops: np.ndarray) -> None:
    features = extract.extract(crops[:20], RECIPE)
    assert np.array_equal(features.astype(np.float16).astype(np.float32), features)
    start, stop = extract.column_ranges(RECIPE)[0][0], extract.column_ranges(RECIPE)[-2][1]
    assert np.array_equal(features[:, start:stop], np.rint(features[:, start:stop]))


def test_features_do_not_depend_on_the_batch(crops: np.ndarray) -> None:
    together = extract.extract(crops[:4], RECIPE)
    alone = np.concatenate([extract.extract(crop[None], RECIPE) for crop in crops[:4]])
    assert np.array_equal(together, alone)
    assert extract.extract(crops[:0], RECIPE).shape == (0, together.shape[1])


def test_extraction_is_cached_by_crops_and_recipe(
    crops: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = extract.extract_cached(crops[:10], RECIPE, tmp_path, jobs=1)
    assert np.array_equal(features, extract.extract(crops[:10], RECIPE))
    other = {**RECIPE, "blocks": [["geometry"]]}
    assert extract.extract_cached(crops[:10], other, tmp_path, jobs=1).shape[1] < features.shape[1]

    def refuse(*_: object) -> None:
        raise AssertionError("extracted again")

    monkeypatch.setattr(extract, "_extract_parallel", refuse)
    assert np.array_equal(extract.extract_cached(crops[:10], json.loads(json.dumps(RECIPE)), tmp_path), features)
    with pytest.raises(AssertionError, match="extracted again"):
        extract.extract_cached(crops[1:11], RECIPE, tmp_path)


def test_an_unknown_block_is_rejected() -> None:
    with pytest.raises(InputError, match=r"expected blocks grid, patches, .*, found 'gabor'"):
        extract.blocks_of({"blocks": [["gabor", 3]]})


@pytest.mark.parametrize("block", [["patches", 3, 4], ["lbp", 0, 8, 8], ["lbp", 1, 6, 8], ["lbp", 1, 8, 0]])
def test_a_block_of_impossible_size_is_rejected(block: list[int | str]) -> None:
    with pytest.raises(InputError, match=r"(patches|lbp): expected .*, found"):
        extract.blocks_of({"blocks": [block]})


@pytest.mark.parametrize(
    "wrong", [np.zeros((48, 48), np.uint8), np.zeros((1, 48, 47), np.uint8), np.zeros((1, 48, 48)), [[1]], None]
)
def test_input_that_is_not_a_batch_of_crops_is_rejected(wrong: object) -> None:
    with pytest.raises(InputError, match=r"crops: expected a uint8 array, shape \(n, 48, 48\), found "):
        find_landmarks(wrong)  # type: ignore[arg-type]


def test_features_are_finite_for_any_crop() -> None:
    rng = np.random.default_rng(0)
    degenerate = np.stack(
        [
            np.zeros((48, 48)),
            np.full((48, 48), 255),
            rng.integers(0, 256, (48, 48)),
            cv2.getGaussianKernel(48, 9) * 2000 * np.ones(48),
        ]
    ).astype(np.uint8)
    assert np.isfinite(extract.extract(degenerate, RECIPE)).all()


@pytest.mark.parametrize(("cell", "cells", "step"), [(8, 2, 8), (4, 4, 8), (16, 2, 16), (5, 3, 8)])
def test_grid_descriptors_are_close_to_descriptors_at_the_grid_points(
    cell: float, cells: int, step: int, crops: np.ndarray
) -> None:
    faces, _ = align(crops[:3], find_landmarks(crops[:3]))
    for face in faces:
        maps = hog.orientation_maps(face)
        expected = hog.normalise(hog.histograms(maps, hog.grid_points(64, step), cell, cells))
        difference = np.abs(hog.normalise(hog.grid_histograms(maps, cell, cells, step)) - expected)
        assert difference.max() < 0.06  # of a descriptor of unit length: one of them is sampled at half size
        assert difference.mean() < 0.006
