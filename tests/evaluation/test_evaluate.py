"""Scores of a model against FER2013's labels and against people's votes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facial_emotion.data import fer2013
from facial_emotion.data.ferplus import people_choice
from facial_emotion.evaluation.evaluate import choices, evaluate, people_scores, targets
from facial_emotion.features.emotions import EMOTIONS


def votes(**by_answer: int) -> list[int]:
    """A row of votes; other answers got none."""
    answers = (*EMOTIONS, "contempt", "unknown", "no_face")
    assert set(by_answer) <= set(answers)
    return [by_answer.get(answer, 0) for answer in answers]


ROWS = [
    votes(happy=10),
    votes(sad=6, neutral=4),
    votes(sad=4, neutral=4, fear=2),  # the first of the two counts
    votes(angry=5, contempt=5),  # as many for another answer: no choice
    votes(no_face=10),
    votes(surprise=3, neutral=1, unknown=2, contempt=2, no_face=2),
]


def test_the_choice_of_people_by_hand() -> None:
    names = [EMOTIONS[label] if label >= 0 else None for label in people_choice(np.array(ROWS))]
    assert names == ["happy", "sad", "sad", None, None, "surprise"]


def test_scores_against_people_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(ROWS)
    crops = np.random.default_rng(0).integers(0, 256, (2 * count, 48, 48)).astype(np.uint8)
    splits = np.repeat([0, 2], count).astype(np.uint8)
    data = fer2013.Fer2013(crops, np.zeros(2 * count, np.int64), splits, np.array(ROWS * 2))
    happy, sad = np.eye(7)[EMOTIONS.index("happy")], np.eye(7)[EMOTIONS.index("sad")]
    answers = np.array([happy, sad, happy, happy, happy, sad]) * 0.7 + 0.3 / 7
    found = people_scores(data, "PrivateTest", answers, threshold=0.5)
    assert found is not None
    assert (found.choice.rows, found.choice.accuracy) == (4, 0.5)  # happy and the first sad are right
    assert found.clear is not None
    assert (found.clear.rows, found.clear.accuracy) == (2, 1.0)  # ten of ten, six of ten
    agreeing = np.array([1, 0.6, 0, 0, 0])  # of those who voted for one of the seven, on the five rows with any
    confidence = 0.7 + 0.3 / 7
    assert found.calibration_error == pytest.approx(abs(confidence - agreeing.mean()))
    shares = np.array(ROWS)[[0, 1, 2, 3, 5], :7] / np.array([10, 10, 10, 5, 4])[:, None]
    assert found.mean_absolute_error == pytest.approx(np.abs(answers[[0, 1, 2, 3, 5]] - shares).mean())
    assert people_scores(replace(data, votes=None), "PrivateTest", answers, 0.5) is None
    assert (
        people_scores(replace(data, votes=np.array([votes(no_face=10)] * 2 * count)), "PrivateTest", answers, 0.5)
        is None
    )


def test_each_kind_of_labels_has_its_own_targets_and_threshold(voted_csv: Path) -> None:
    data = fer2013.load(voted_csv)
    for split in ("PublicTest", "PrivateTest"):
        known = choices(data, split, "people") >= 0
        assert (choices(data, split, "fer2013") == data.split(split).labels).all()
        sums = targets(data, split, "people").sum(axis=1)
        assert (targets(data, split, "fer2013").sum(axis=1) == 1).all()
        assert ((sums > 0) & (sums <= 1))[known].all()
    rng = np.random.default_rng(0)
    answers = {name: rng.dirichlet(np.ones(7), len(data.split(name))) for name in ("PublicTest", "PrivateTest")}
    found = evaluate(data, answers.__getitem__, "people")
    assert set(found.metrics) == set(found.people) == set(answers)
    assert found.threshold > evaluate(data, answers.__getitem__).threshold or found.threshold > 1
