"""The advice which model to take: right in nearly all draws of pictures, and clear about what is not known."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion import paths, recognizers
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.evaluation.advice import MARGIN, Candidate, advise, in_words, prior
from facial_emotion.evaluation.evaluate import choices
from facial_emotion.evaluation.statistics import difference, independent_difference

MODELS = ("cnn-ferplus", "dlib-resnet-ferplus", "vgg16-ferplus", "svm-ferplus", "cnn", "svm", "lightgbm", "xgboost")
DRAWS = 300


@pytest.fixture(scope="module")
def right(real: Fer2013) -> dict[str, np.ndarray]:
    """On which rows of PrivateTest each model gives people's choice, bool (rows,)."""
    labels, part = choices(real, "PrivateTest", "people"), real.split("PrivateTest")
    if not (labels >= 0).any():
        pytest.skip("needs FER+ (fer2013new.csv) beside FER2013")
    crops, labels = part.crops[labels >= 0][::2], labels[labels >= 0][::2]  # half, which takes half of the time
    return {name: recognizers.load(name).predict_proba(crops).argmax(axis=1) == labels for name in MODELS}


@pytest.fixture(scope="module")
def milliseconds() -> dict[str, float]:
    rows = json.loads((paths.RESULTS / "results.json").read_text())["models"]
    return {row["model"]: row["latency"]["crop to label"]["median_ms"] for row in rows}


# One test for all numbers of pictures: each of several that run at once would recognise all rows by all models.
@pytest.mark.slow
def test_no_model_is_advised_that_is_worse_by_over_two_points(
    right: dict[str, np.ndarray], milliseconds: dict[str, float]
) -> None:
    truth = {name: float(of_model.mean()) for name, of_model in right.items()}
    priors = {name: prior(recognizers.card(name), "people") for name in MODELS}
    for pictures in (10, 30, 100, 1_000, 10_000):
        rng, wrong, wrongly_as_good = np.random.default_rng(pictures), 0, 0
        for _ in range(DRAWS):
            drawn = rng.integers(0, len(right["cnn"]), pictures)
            samples = {name: of_model[drawn] for name, of_model in right.items()}
            found = advise(
                [
                    Candidate(name, float(sample.mean()), pictures, milliseconds[name], priors[name], sample)
                    for name, sample in samples.items()
                ],
                choose_on_rows=True,
            )
            wrong += truth[found.take.model] < max(truth.values()) - MARGIN
            wrongly_as_good += found.shown and truth[found.faster.model] < truth[found.take.model] - MARGIN  # type: ignore[union-attr]
        assert wrong <= 0.05 * DRAWS, pictures
        assert wrongly_as_good <= 0.05 * DRAWS, pictures


def candidates(rows: int, gap: float, milliseconds: float = 1.0) -> list[Candidate]:
    """A model that PublicTest chooses, and another that is better by a gap on the rows, and quicker or slower."""
    first = np.arange(rows) < 0.8 * rows
    second = np.arange(rows) < (0.8 + gap) * rows
    return [
        Candidate("chosen", float(first.mean()), rows, 10.0, 0.9, first),
        Candidate("other", float(second.mean()), rows, milliseconds, 0.8, second),
    ]


def test_a_model_that_is_shown_to_be_better_is_taken_but_not_on_private_test() -> None:
    found = advise(candidates(1000, 0.1), choose_on_rows=True)
    assert found.take.model == "other"
    assert "it is shown to be right more often than chosen, which is on FER2013." in in_words(found, own_pictures=True)
    assert advise(candidates(1000, 0.1)).take.model == "chosen"


@pytest.mark.parametrize("models", [2, 17])
def test_what_may_be_chance_is_said_with_the_number_that_would_tell(models: int) -> None:
    def drawn(rows: int) -> list[Candidate]:
        first, second = candidates(rows, 0.1, milliseconds=9)
        return [first, second, *(replace(first, model=f"{number}", prior=0.1) for number in range(models - 2))]

    found = advise(drawn(20), choose_on_rows=True)
    assert (found.take.model, found.best.model) == ("chosen", "other")
    words = in_words(found, own_pictures=True)
    assert words.startswith("Take chosen, which is right most often on FER2013. On these 20 files other is right more")
    more = re.search(r"by 10\.0 points, which may be chance\. About (\d+) more files would tell\.", words)
    assert more
    assert advise(drawn(20 + int(more[1])), choose_on_rows=True).take.model == "other"
    assert advise(drawn(20 + int(more[1]) // 3), choose_on_rows=True).take.model == "chosen"


def test_a_faster_model_is_as_good_only_where_that_is_shown() -> None:
    few, many = advise(candidates(50, 0.0)), advise(candidates(2000, 0.0))
    assert (few.faster and few.faster.model, few.shown) == ("other", False)
    assert (many.faster and many.faster.model, many.shown) == ("other", True)
    more = re.search(r"About (\d+) more files would show whether it is as good", in_words(few, own_pictures=True))
    assert more
    assert advise(candidates(50 + int(more[1]), 0.0)).shown
    assert "as good to within 2 points" in in_words(many)
    assert advise(candidates(2000, 0.0), margin=0.0001).shown is False
    assert advise(candidates(2000, 0.0, milliseconds=6.0)).faster is None  # not much faster


def test_a_model_that_public_test_does_not_know_is_not_chosen() -> None:
    first, second = candidates(20, 0.1)
    assert advise([first, replace(second, prior=0.0)], choose_on_rows=True).take is first


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=300))
def test_differences_are_antisymmetric_and_drawn_to_nothing(pairs: list[tuple[bool, bool]]) -> None:
    first, second = np.array(pairs).T
    one, two = difference(first, second), difference(second, first)
    assert (one.estimate, one.low, one.high) == pytest.approx((-two.estimate, -two.high, -two.low))
    counts = (int(first.sum()), len(first), int(second.sum()), len(second))
    independent = independent_difference(*counts)
    assert independent.estimate == pytest.approx(one.estimate)
    for each in (one, independent):
        assert -1 <= each.low <= each.middle <= each.high <= 1
        assert abs(each.middle) <= abs(each.estimate) + 1e-12


def test_the_intervals_of_differences_hold_as_often_as_they_say() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(1000):
        cells = rng.choice(4, 60, p=[0.6, 0.15, 0.05, 0.2])  # both right, the first alone, the second alone, none
        found = difference(cells <= 1, (cells == 0) | (cells == 2))
        held += found.low <= 0.1 <= found.high
    assert 930 <= held <= 985
