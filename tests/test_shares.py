"""Shares of emotions: read from text, found again in drawn sets, and worth points of accuracy."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scipy.special import softmax

from facial_emotion import recognizers, shares
from facial_emotion.data import fer2013
from facial_emotion.errors import InputError
from facial_emotion.evaluation.evaluate import choices
from facial_emotion.evaluation.scores import mean_recall
from facial_emotion.features.emotions import EMOTIONS
from tests import made

EXPECTED = [0.08, 0.02, 0.04, 0.26, 0.14, 0.12, 0.34]


def drawn(wanted: np.ndarray, rows: int, sharpness: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels with some shares, and the probabilities of a model that expects EXPECTED, flatter than they should be."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(7, rows, p=wanted / wanted.sum())
    seen = 2 * np.eye(7)[labels] + rng.normal(0, 1, (rows, 7))  # log-likelihoods: twice what is seen
    return labels, softmax((2 * seen + np.log(EXPECTED)) / sharpness, axis=1)


@limits(deadline=None, max_examples=20)
@given(st.lists(st.floats(0.02, 1), min_size=7, max_size=7), st.floats(1, 2), st.integers(0, 100))
def test_shares_of_a_drawn_set_are_found_without_labels(wanted: list[float], sharpness: float, seed: int) -> None:
    card = made.card(shares=EXPECTED, sharpness=sharpness)
    labels, probabilities = drawn(np.array(wanted), 2000, sharpness, seed)
    true = np.bincount(labels, minlength=7) / len(labels)
    found = shares.estimated(probabilities, card)
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - true).sum() < 0.1
    better = shares.adjusted(probabilities, found, card)
    assert (better.argmax(axis=1) == labels).mean() >= (probabilities.argmax(axis=1) == labels).mean() - 0.01
    np.testing.assert_allclose(better.sum(axis=1), 1, atol=1e-6)


@given(st.lists(st.floats(0.01, 1), min_size=7, max_size=7))
def test_the_shares_that_a_model_expects_change_nothing(weights: list[float]) -> None:
    probabilities = np.array([weights]) / sum(weights)
    card = made.card(shares=EXPECTED, sharpness=1.5)
    np.testing.assert_allclose(shares.adjusted(probabilities, EXPECTED, card), probabilities, atol=1e-6)


def test_texts_that_give_shares() -> None:
    card = made.card(shares=EXPECTED)
    np.testing.assert_allclose(shares.resolved("even", card), 1 / 7)
    some = dict(zip(EMOTIONS, shares.resolved("neutral=0.6, happy=0.2", card), strict=True))
    assert (some["neutral"], some["happy"]) == pytest.approx((0.6, 0.2))
    assert some["sad"] / some["fear"] == pytest.approx(0.14 / 0.04)
    assert sum(some.values()) == pytest.approx(1)
    np.testing.assert_allclose(shares.resolved(shares.in_words(np.array(EXPECTED)), card), EXPECTED, atol=1e-3)


@pytest.mark.parametrize(
    "text", ["", "most", "joy=0.5", "happy", "happy=", "happy=much", "happy=-0.1", "happy=nan", "happy=0.6,sad=0.6"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="shares: expected even, estimate, or shares that sum to 1 or less"):
        shares.check(text)


def test_a_sum_that_is_rounded_up_and_an_emotion_twice() -> None:
    card = made.card(shares=EXPECTED)
    found = shares.resolved("neutral=0.6,happy=0.4005", card)
    assert found.min() == 0
    shares.check(shares.in_words(found))
    with pytest.raises(InputError, match=r"shares: expected each emotion once, found 'happy=0.5,happy=0.3'"):
        shares.check("happy=0.5,happy=0.3")


def test_a_recognizer_takes_shares_and_refuses_what_is_none(crops: np.ndarray) -> None:
    recognizer = recognizers.load("cnn-ferplus")
    even = recognizer.with_shares([1 / 7] * 7)
    expected = shares.adjusted(recognizer.predict_proba(crops), [1 / 7] * 7, recognizer.card)
    np.testing.assert_array_equal(even.predict_proba(crops), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(even)).predict_proba(crops), expected)
    np.testing.assert_array_equal(even.with_shares([]).predict_proba(crops), recognizer.predict_proba(crops))
    for wrong in ([1 / 6] * 6, [np.nan] * 7, [0] * 7, [-1, 2, 0, 0, 0, 0, 0]):
        with pytest.raises(InputError, match="shares: expected 7 numbers from 0 to 1 that sum to 1"):
            recognizer.with_shares(wrong)


@pytest.mark.parametrize("hostile", [[1.0, 0, 0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0, 0, 0]])
def test_a_card_may_expect_no_face_of_some_emotions(hostile: list[float]) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), 60)
    found = shares.estimated(probabilities, made.card(shares=hostile))
    assert found.sum() == pytest.approx(1)
    assert np.isfinite(shares.adjusted(probabilities, found, made.card(shares=hostile))).all()


def test_few_faces_and_old_cards_are_refused() -> None:
    card = made.card(shares=EXPECTED)
    with pytest.raises(InputError, match="shares: expected 50 faces or more to estimate them from, found 49"):
        shares.estimated(np.full((49, 7), 1 / 7), card)
    with pytest.raises(InputError, match=r"made: expected a card with the shares .* facial-emotion train scores made"):
        shares.estimated(np.full((50, 7), 1 / 7), made.card())


def test_a_set_of_even_shares_is_recognised_better(real: fer2013.Fer2013) -> None:
    """Of PrivateTest's faces, as many of each emotion."""
    labels = choices(real, "PrivateTest", "people")
    rng = np.random.default_rng(0)
    recognizer = recognizers.load("cnn-ferplus")
    gains, errors = [], []
    for _ in range(5):
        rows = np.concatenate([rng.choice(np.flatnonzero(labels == index), 30) for index in range(7)])
        probabilities = recognizer.predict_proba(real.split("PrivateTest").crops[rows])
        found = shares.estimated(probabilities, recognizer.card)
        better = shares.adjusted(probabilities, found, recognizer.card)
        recalls = [mean_recall(labels[rows], answer.argmax(axis=1)) for answer in (probabilities, better)]
        gains.append(recalls[1] - recalls[0])
        counted = np.bincount(probabilities.argmax(axis=1), minlength=7) / len(rows)
        errors.append(np.abs(found - 1 / 7).sum() / np.abs(counted - 1 / 7).sum())
    assert np.mean(gains) > 0.03
    assert np.mean(errors) < 0.7
