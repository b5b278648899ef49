"""Explanations highlight the parts that a recognizer depends on."""

from __future__ import annotations

import numpy as np
import pytest

from facial_emotion import explain, recognizers
from facial_emotion.recognizers import Recognizer
from tests import made


def brightness_of(rows: slice, columns: slice) -> Recognizer:
    """A recognizer whose probability of happy is the mean brightness of a part of the crop."""

    def predict(crops: np.ndarray) -> np.ndarray:
        bright = crops[:, rows, columns].mean(axis=(1, 2), dtype=np.float64) / 255
        probabilities = np.repeat(((1 - bright) / 6)[:, None], 7, axis=1)
        probabilities[:, 3] = bright
        return probabilities.astype(np.float32)

    return Recognizer("brightness", made.card(), [("predict", predict)])


def test_occlusion_map_peaks_at_the_relevant_part() -> None:
    crop = np.full((48, 48), 30, dtype=np.uint8)
    crop[30:38, 10:18] = 250
    heat = explain.occlusion(brightness_of(slice(30, 38), slice(10, 18)), crop, "happy")
    assert heat.shape == (48, 48)
    peak = np.unravel_index(heat.argmax(), heat.shape)
    assert 28 <= peak[0] < 40
    assert 8 <= peak[1] < 20
    assert heat.max() > 0.5
    assert abs(heat[:10, 30:]).max() < 0.01
    assert explain.occlusion(brightness_of(slice(30, 38), slice(10, 18)), crop, "sad").min() < -0.5


def test_mouth_geometry_supports_a_smile(crops: np.ndarray) -> None:
    recognizer = recognizers.load("lightgbm")
    assert explain.has_descriptors(recognizer)
    components = explain.geometry(recognizer, crops[0], "happy")
    assert len(components) == 6
    effects = [abs(component.effect) for component in components]
    assert effects == sorted(effects, reverse=True)
    lift = next(component for component in components if "corner lift" in component.name)
    assert lift.value > lift.median
    assert lift.effect > 0
    assert lift.describe().endswith("supports the label")


@pytest.mark.parametrize("name", ["lightgbm", "svm"])
def test_mouth_descriptors_support_a_smile(name: str, crops: np.ndarray) -> None:
    face, centres, effects = explain.descriptors(recognizers.load(name), crops[0], "happy")
    assert face.shape == (64, 64)
    assert centres.shape == (len(effects), 2)
    assert centres[effects.argmax(), 1] > 32  # below the middle
