"""Hard conditions: what they leave of a crop, and that they don't make a recognizer certain."""

from __future__ import annotations

import numpy as np
import pytest

from facial_emotion import recognizers
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.evaluation.scores import mean_recall
from facial_emotion.features.visibility import are_visible
from facial_emotion.scene import Face, are_certain
from tests.conftest import SHIPPED
from workshop.conditions import CONDITIONS


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_changes_crops_the_same_at_every_call(condition: str, crops: np.ndarray) -> None:
    before = crops[:20].copy()
    changed = CONDITIONS[condition](crops[:20])
    assert changed.shape == before.shape
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(crops[:20], before)
    np.testing.assert_array_equal(CONDITIONS[condition](crops[:20]), changed)
    assert (changed == before).all() == (condition == "as it is")
    assert CONDITIONS[condition](crops[:0]).shape == (0, 48, 48)


def test_conditions_do_what_they_are_called(crops: np.ndarray) -> None:
    faces = crops[:50].astype(int)
    changed = {name: change(crops[:50]).astype(int) for name, change in CONDITIONS.items()}
    assert changed["dark"].mean() < 0.3 * faces.mean()
    assert np.diff(changed["blurred"]).std() < 0.5 * np.diff(faces).std()
    assert np.diff(changed["noisy"]).std() > np.diff(faces).std()
    fineness = [np.diff(changed[f"{side} pixels"]).std() for side in (32, 24, 16, 12)]
    assert fineness == sorted(fineness, reverse=True)
    assert (changed["sunglasses"] != faces)[:, 14:24].mean() > 0.7
    assert (changed["mask"][:, :27] == faces[:, :27]).all()


def test_a_damaged_face_does_not_show_enough_to_be_certain(crops: np.ndarray) -> None:
    shown = {name: are_visible(change(crops)).mean() for name, change in CONDITIONS.items()}
    assert shown["as it is"] == 1
    for damaged in ("blurred", "12 pixels", "mask", "black"):
        assert shown[damaged] < 0.05, damaged
    assert shown["32 pixels"] >= shown["24 pixels"] >= shown["16 pixels"] >= shown["12 pixels"]
    assert shown["turned by 20 degrees"] > 0.95


def test_hardly_a_face_of_training_shows_too_little(real: Fer2013) -> None:
    shown = are_visible(real.split("Training").crops)
    assert 0.994 < shown.mean() < 0.999


@pytest.mark.release
@pytest.mark.parametrize("name", SHIPPED)
def test_no_model_is_certain_of_a_face_without_contrast(name: str) -> None:
    recognizer = recognizers.load(name)
    flat = np.stack([np.full((48, 48), grey, np.uint8) for grey in (0, 60, 128, 255)])
    probabilities = recognizer.predict_proba(flat)
    assert not are_certain(probabilities, flat, recognizer.threshold).any()
    assert not Face(1, np.zeros(4), probabilities[0], flat[0], recognizer.threshold).certain


def test_mean_recall_by_hand() -> None:
    labels, predicted = np.array([0, 0, 0, 0, 3, 3, 6]), np.array([0, 0, 0, 3, 3, 6, 6])
    assert mean_recall(labels, predicted) == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)


def test_the_app_has_a_name_for_each_condition() -> None:
    from facial_emotion.views.compare import HARD_CONDITIONS

    assert tuple(CONDITIONS) == HARD_CONDITIONS
