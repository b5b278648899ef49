"""The threshold and the scores of a finished model, against FER2013's labels and against people's votes (FER+)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.data.ferplus import CLEAR_VOTES
from facial_emotion.evaluation import abstention
from facial_emotion.evaluation.scores import calibration_error, scores
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import PeopleScores, Scores

SPLITS = ("PublicTest", "PrivateTest")
# The accuracy that certain answers shall have, by the labels that a model answers with. People agree on easy faces, so
# that nearly every answer would be certain at the first of these.
TARGETS = {"fer2013": abstention.TARGET, "people": 0.9, "balanced": 0.9}


@dataclass(frozen=True)
class Evaluation:
    """What PublicTest chooses for a calibrated model, and its scores on both splits: fields of its card."""

    threshold: float
    metrics: dict[str, Scores]
    people: dict[str, PeopleScores]
    shares: list[float]
    sharpness: float


def evaluate(data: Fer2013, predict: Callable[[str], np.ndarray], labels: str = "fer2013") -> Evaluation:
    """The threshold that PublicTest chooses for a calibrated model, and the model's scores on both splits.

    predict: a split's name -> calibrated probabilities float (n, 7); labels: those that the model answers with
    ("fer2013", "people" or "balanced"), by which the threshold is chosen. PrivateTest is only reported. The scores are
    against FER2013's labels and, where the data has FER+'s votes, against those.
    """
    probabilities = {name: predict(name) for name in SPLITS}
    expected = choices(data, "PublicTest", labels)
    chosen, answers = expected[expected >= 0], probabilities["PublicTest"][expected >= 0]
    threshold = abstention.choose(answers, chosen, TARGETS[labels])
    shares, sharpness = _expectation(answers, chosen)
    people = {name: people_scores(data, name, probabilities[name], threshold) for name in SPLITS}
    return Evaluation(
        threshold=threshold,
        metrics={
            name: scores(probabilities[name], data.split(name).labels, data.near_duplicates(name), threshold)
            for name in SPLITS
        },
        people={name: found for name, found in people.items() if found is not None},
        shares=shares,
        sharpness=sharpness,
    )


def _expectation(probabilities: np.ndarray, labels: np.ndarray) -> tuple[list[float], float]:
    """Shares that answers expect the emotions to have, and their sharpness, as of a card.

    The sharpness is the power of the probabilities (n, 7) that gives the labels (n,) the least log-loss.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(labels):
        return [], 1.0
    logs, rows = np.log(np.maximum(probabilities.astype(np.float64), 1e-9)), np.arange(len(labels))

    def sharper(power: float) -> np.ndarray:
        return np.asarray(log_softmax(power * logs, axis=1))

    least = minimize_scalar(lambda power: -sharper(power)[rows, labels].mean(), bounds=(0.5, 4.0), method="bounded")
    sharpness = round(float(least.x), 4)
    return np.exp(sharper(sharpness)).mean(axis=0).round(6).tolist(), sharpness


def choices(data: Fer2013, split: str, labels: str) -> np.ndarray:
    """The labels int64 (n,) of a split: FER2013's or what most people chose, -1 where that is none of the seven."""
    part = data.split(split)
    return part.labels if labels == "fer2013" else data.people_choice()[part.rows]


def targets(data: Fer2013, split: str, labels: str) -> np.ndarray:
    """Target distributions float (n, 7) of a split: one-hot labels, or people's votes for the seven emotions.

    A row sums to its weight: 1, or the share of people who chose one of the seven.
    """
    part = data.split(split)
    if labels == "fer2013":
        return np.eye(len(EMOTIONS))[part.labels]
    votes = data.people_votes()[part.rows]
    return votes[:, : len(EMOTIONS)] / np.maximum(votes.sum(axis=1, keepdims=True), 1)


def people_scores(data: Fer2013, split: str, probabilities: np.ndarray, threshold: float) -> PeopleScores | None:
    """Scores of probabilities against people's choice and against the distribution of their votes.

    probabilities: (n, 7), of a split's first n rows. None where the data has no votes, or none for any of the seven.
    """
    if data.votes is None:
        return None
    rows = data.split(split).rows[: len(probabilities)]
    votes = data.people_votes()[rows][:, : len(EMOTIONS)]
    chosen, duplicates = data.people_choice()[rows], data.near_duplicates(split)[: len(rows)]
    known, voted = chosen >= 0, votes.sum(axis=1) > 0
    if not known.any():
        return None
    clear = known & (votes.max(axis=1) > CLEAR_VOTES)
    shares = votes[voted] / votes[voted].sum(axis=1, keepdims=True)
    answers = probabilities[voted].astype(np.float64)
    agreeing = shares[np.arange(len(shares)), answers.argmax(axis=1)]
    return PeopleScores(
        choice=scores(probabilities[known], chosen[known], duplicates[known], threshold),
        clear=scores(probabilities[clear], chosen[clear], duplicates[clear], threshold) if clear.any() else None,
        cross_entropy=float(-(shares * np.log(np.clip(answers, 1e-7, 1))).sum(axis=1).mean()),
        mean_absolute_error=float(np.abs(answers - shares).mean()),
        calibration_error=calibration_error(answers.max(axis=1), agreeing),
    )
