"""Shares of emotions that a model does not expect: what taking them into account brings, on drawn sets of faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import recognizers, shares
from facial_emotion.errors import InputError
from facial_emotion.evaluation.evaluate import choices
from facial_emotion.evaluation.scores import mean_recall
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Card, Json

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013

SPLIT, DRAWS = "PrivateTest", 50
SIZES = (50, 200, 1000)
_NEUTRAL = np.where(np.array(EMOTIONS) == "neutral", 0.8, 0.2 / (len(EMOTIONS) - 1))


def measure(data: Fer2013, names: list[str], step: Callable[[], object]) -> Json:
    """By model, kind of set and size: accuracy, mean recall and the error of the shares; means over the draws.

    Sets are drawn with replacement from PrivateTest's rows with a people's choice. Kinds: as in FER2013; even; 80 %
    neutral; any shares (Dirichlet's distribution). Answers: as they are, with the estimated and with the true shares.
    The error is the sum of the absolute differences from the true shares, which are counted from labels as they are.
    """
    labels = choices(data, SPLIT, "people")
    by_label = [np.flatnonzero(labels == index) for index in range(len(EMOTIONS))]
    if not all(map(len, by_label)):
        raise InputError("data", f"a people's choice of every emotion in {SPLIT}", "none of some")
    own = np.array([len(rows) for rows in by_label]) / sum(map(len, by_label))
    models: Json = {}
    for name in names:
        recognizer = recognizers.load(name)
        probabilities = recognizers.predict(recognizer, data.split(SPLIT).crops, f"{name}: {SPLIT}")
        rng = np.random.default_rng(0)
        kinds: dict[str, Callable[[], np.ndarray]] = {
            "as in FER2013": lambda: own,
            "even": lambda: np.full(len(EMOTIONS), 1 / len(EMOTIONS)),
            "80 % neutral": lambda: _NEUTRAL,
            "any": lambda rng=rng: rng.dirichlet(np.ones(len(EMOTIONS))),  # type: ignore[misc]
        }
        models[name] = {}
        for kind, wanted in kinds.items():
            models[name][kind] = {}
            for size in SIZES:
                draws = []
                for _ in range(DRAWS):
                    drawn = rng.choice(len(EMOTIONS), size, p=wanted())
                    rows = np.array([rng.choice(by_label[index]) for index in drawn])
                    draws.append(_judge(probabilities[rows], drawn, recognizer.card))
                models[name][kind][str(size)] = _means(draws)
        step()
    return {"split": SPLIT, "draws": DRAWS, "models": models}


def _judge(probabilities: np.ndarray, labels: np.ndarray, card: Card) -> Json:
    """The figures of one drawn set, by answer."""
    true = np.bincount(labels, minlength=len(EMOTIONS)) / len(labels)
    counted = np.bincount(probabilities.argmax(axis=1), minlength=len(EMOTIONS)) / len(labels)
    estimated = shares.estimated(probabilities, card)
    answers = {
        "as it is": (probabilities, counted),
        "estimated": (shares.adjusted(probabilities, estimated, card), estimated),
        "given": (shares.adjusted(probabilities, true, card), true),
    }
    return {
        name: {
            "accuracy": float((answer.argmax(axis=1) == labels).mean()),
            "mean_recall": mean_recall(labels, answer.argmax(axis=1)),
            "error_of_shares": float(np.abs(assumed - true).sum()),
        }
        for name, (answer, assumed) in answers.items()
    }


def _means(draws: list[Json]) -> Json:
    return {
        answer: {figure: float(np.mean([draw[answer][figure] for draw in draws])) for figure in figures}
        for answer, figures in draws[0].items()
    }
