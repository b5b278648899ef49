"""Conversion between names, labels and one-hot rows, and rejection of invalid ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS, encode, to_one_hot

labels = st.lists(st.integers(0, 6), max_size=30)


@given(labels)
def test_conversions_are_inverse(given_labels: list[int]) -> None:
    assert encode([EMOTIONS[label] for label in given_labels]).tolist() == given_labels
    rows = to_one_hot(given_labels)
    assert rows.shape == (len(given_labels), 7)
    assert rows.sum() == len(given_labels)
    assert rows.argmax(axis=1).tolist() == given_labels


def test_the_order_is_that_of_fer2013() -> None:
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_noun_forms_are_accepted_and_case_is_ignored() -> None:
    assert encode(["Anger", "HAPPINESS", " sadness ", "surprise"]).tolist() == [0, 3, 4, 5]


@pytest.mark.parametrize("wrong", [[7], [-1], [1.5], ["happy"], [[0, 1]]])
def test_invalid_labels_are_rejected(wrong: list[int]) -> None:
    with pytest.raises(InputError, match="labels: expected"):
        to_one_hot(wrong)


def test_unknown_names_are_rejected() -> None:
    with pytest.raises(InputError, match=r"emotion: expected one of angry, .*, found 'bored'"):
        encode(["bored"])
