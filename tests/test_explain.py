"""Explanations point at what a recognizer looks at."""

from __future__ import annotations

import numpy as np
import pytest

from facial_emotion import explain, recognizers
from facial_emotion.recognizers import Recognizer


def looking_at(rows: slice, columns: slice) -> Recognizer:
    """A recognizer that says happy as far as a part of the crop is bright."""

    def answer(crops: np.ndarray) -> np.ndarray:
        bright = crops[:, rows, columns].mean(axis=(1, 2), dtype=np.float64) / 255
        probabilities = np.repeat(((1 - bright) / 6)[:, None], 7, axis=1)
        probabilities[:, 3] = bright
        return probabilities.astype(np.float32)

    return Recognizer("looking", {"threshold": 0.5}, [("answer", answer)])


def test_occlusion_finds_the_place_that_counts() -> None:
    crop = np.full((48, 48), 30, dtype=np.uint8)
    crop[30:38, 10:18] = 250
    heat = explain.occlusion(looking_at(slice(30, 38), slice(10, 18)), crop, "happy")
    assert heat.shape == (48, 48)
    peak = np.unravel_index(heat.argmax(), heat.shape)
    assert 28 <= peak[0] < 40
    assert 8 <= peak[1] < 20
    assert heat.max() > 0.5
    assert abs(heat[:10, 30:]).max() < 0.01
    assert explain.occlusion(looking_at(slice(30, 38), slice(10, 18)), crop, "sad").min() < -0.5


def test_a_smile_is_seen_in_the_mouth(crops: np.ndarray) -> None:
    recognizer = recognizers.load("lightgbm")
    assert explain.has_descriptors(recognizer)
    components = explain.geometry(recognizer, crops[0], "happy")
    assert len(components) == 6
    effects = [abs(component.effect) for component in components]
    assert effects == sorted(effects, reverse=True)
    lift = next(component for component in components if "corner lift" in component.name)
    assert lift.value > lift.common
    assert lift.effect > 0
    assert lift.in_words().endswith("speaks for it")


@pytest.mark.parametrize("name", ["lightgbm", "svm"])
def test_descriptors_of_the_mouth_speak_for_a_smile(name: str, crops: np.ndarray) -> None:
    face, centres, effects = explain.descriptors(recognizers.load(name), crops[0], "happy")
    assert face.shape == (64, 64)
    assert centres.shape == (len(effects), 2)
    assert centres[effects.argmax(), 1] > 32  # below the middle
