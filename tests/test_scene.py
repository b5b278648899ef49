"""A face's label is called uncertain where the recognizer's confidence is too low."""

from __future__ import annotations

import numpy as np
import pytest

from facial_emotion import examples, scene
from facial_emotion.drawing import COLOURS, UNCERTAIN, annotated
from facial_emotion.recognizers import Recognizer


def unsure(threshold: float) -> Recognizer:
    """A recognizer that always gives happy 0.52."""
    shares = np.full(7, 0.08, dtype=np.float32)
    shares[3] = 0.52
    return Recognizer("unsure", {"threshold": threshold}, [("answer", lambda crops: np.tile(shares, (len(crops), 1)))])


@pytest.mark.parametrize(
    ("threshold", "words", "colour"), [(0.5, "happy 52%", COLOURS["happy"]), (0.6, "uncertain (happy 52%)", UNCERTAIN)]
)
def test_it_is_said_drawn_and_noted(threshold: float, words: str, colour: tuple[int, int, int]) -> None:
    rgb = examples.portrait()
    faces = scene.faces_in(rgb, unsure(threshold))
    assert [face.words for face in faces] == [words]
    assert scene.table(faces)["certain"].tolist() == [threshold < 0.52]
    left, top, *_ = faces[0].box
    assert tuple(annotated(rgb, faces)[top + 40, left]) == colour
