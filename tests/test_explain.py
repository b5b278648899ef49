"""Explanations highlight the parts that a recognizer depends on."""

from __future__ import annotations

import numpy as np
import pytest

from facial_emotion import examples, explain, recognizers, scene
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.features.emotions import EMOTIONS
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


def test_the_parts_of_a_face_are_ordered_by_their_effects() -> None:
    heat = np.zeros((48, 48), dtype=np.float32)
    heat[32:40], heat[2:10] = 2, -1
    parts = list(explain.regions(heat))
    assert (parts[0], parts[-1]) == ("mouth", "brows")


# In the dark the trees see no smile.
@pytest.mark.parametrize(
    ("name", "example"),
    [
        *(("cnn-ferplus", example) for example in examples.SMILING),
        *(("lightgbm", example) for example in examples.SMILING if example != "evening"),
    ],
)
def test_the_mouth_speaks_for_the_smile_of_an_example(name: str, example: str) -> None:
    (face, *_) = [
        face for face in scene.faces_in(examples.PICTURES[example](), recognizers.load(name)) if face.label == "happy"
    ]
    parts = explain.regions(explain.occlusion(recognizers.load(name), face.crop, "happy"))
    assert parts["mouth"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cnn-ferplus", "lightgbm"])
def test_the_mouth_speaks_for_the_smile_of_nearly_all_faces(name: str, real: Fer2013) -> None:
    recognizer, split = recognizers.load(name), real.split("PublicTest")
    happy = split.crops[split.labels == EMOTIONS.index("happy")][:40]
    found = happy[recognizer.predict_proba(happy).argmax(axis=1) == EMOTIONS.index("happy")][:25]
    assert len(found) == 25
    for_it = [explain.regions(explain.occlusion(recognizer, crop, "happy"))["mouth"] > 0 for crop in found]
    assert np.mean(for_it) >= 0.95


def test_mouth_geometry_supports_a_smile(crops: np.ndarray) -> None:
    recognizer = recognizers.load("lightgbm")
    assert explain.has_descriptors(recognizer)
    components = explain.geometry(recognizer, crops[0], "happy")
    assert len(components) == 6
    effects = [abs(component.effect) for component in components]
    assert effects == sorted(effects, reverse=True)
    wide = next(component for component in components if component.name == "mouth width")
    assert wide.value > wide.median
    assert wide.effect > 0


@pytest.mark.parametrize("name", ["lightgbm", "svm"])
def test_mouth_descriptors_support_a_smile(name: str, crops: np.ndarray) -> None:
    face, centres, effects = explain.descriptors(recognizers.load(name), crops[0], "happy")
    assert face.shape == (64, 64)
    assert centres.shape == (len(effects), 2)
    below, above = (float(effects[half].sum()) for half in (centres[:, 1] > 32, centres[:, 1] < 31))
    assert below > max(0.0, above)
