"""Labels from names of emotions, and rejection of others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS, encode


@given(st.lists(st.integers(0, 6), max_size=30))
def test_labels_are_the_places_of_their_names(labels: list[int]) -> None:
    assert encode([EMOTIONS[label] for label in labels]).tolist() == labels


def test_the_order_is_that_of_fer2013() -> None:
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_noun_forms_are_accepted_and_case_is_ignored() -> None:
    assert encode(["Anger", "HAPPINESS", " sadness ", "surprise"]).tolist() == [0, 3, 4, 5]


def test_unknown_names_are_rejected() -> None:
    with pytest.raises(InputError, match=r"emotion: expected one of angry, .*, found 'bored'"):
        encode(["bored"])
