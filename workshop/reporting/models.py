"""The trained models in figures: how good, how sure, how different from one another, and where they fail."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion import artifact, recognizers
from facial_emotion.evaluation import abstention
from facial_emotion.evaluation.evaluate import choices, people_scores, targets
from facial_emotion.evaluation.scores import BINS, calibration_error, scores
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.geometry import upright
from facial_emotion.features.landmarks import find_landmarks
from facial_emotion.records import to_json
from workshop.reporting import statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from facial_emotion.data.fer2013 import Fer2013, Split

SPLIT = "PrivateTest"
MISTAKES = 40  # of the most confident ones that are looked at
_NOSE = 30  # the landmark at its tip


def judge(data: Fer2013, names: list[str], step: Callable[[], None]) -> dict[str, Any]:
    """Every figure of the models on PrivateTest, as plain numbers. step is called after each model."""
    part = data.split(SPLIT)
    duplicates = data.near_duplicates(SPLIT)
    groups = {"pose": thirds(turn(part.crops)), "contrast": thirds(contrast(part.crops))}
    answers, models = {}, {}
    for name in names:
        recognizer = recognizers.load(name)
        answers[name] = probabilities = recognizer.predict_proba(part.crops)
        judged = scores(probabilities, part.labels, duplicates, recognizer.threshold)
        people = people_scores(data, SPLIT, probabilities, recognizer.threshold)
        # Data without votes can judge by FER2013's labels alone.
        labels = recognizer.card.labels if people else "fer2013"
        own = people.choice if labels != "fer2013" and people else judged
        expected = choices(data, SPLIT, labels)
        known = expected >= 0
        models[name] = {
            "track": recognizer.card.track,
            "labels": labels,
            "scores": to_json(judged),
            "people": None if people is None else to_json(people),
            "own": to_json(own),
            "intervals": statistics.intervals(np.array(judged.confusion)),
            "own_intervals": statistics.intervals(np.array(own.confusion)),
            "threshold": recognizer.threshold,
            "calibration": _calibration(
                name, part.crops, probabilities, targets(data, SPLIT, labels), _answers(data, part, labels)
            ),
            "coverage": _coverage(probabilities[known], expected[known]),
            "groups": {
                kind: _by_third(probabilities.argmax(axis=1) == expected, third, known)
                for kind, third in groups.items()
            },
        }
        step()
    single = [name for name in names if models[name]["labels"] == "fer2013"] or names
    best = max(single, key=lambda name: recognizers.card(name).metrics["PublicTest"].accuracy)
    return {
        "split": SPLIT,
        "models": models,
        "pairs": [
            _pair(*pair, answers, choices(data, SPLIT, str(models[pair[0]]["labels"])))
            for pair in itertools.combinations(names, 2)
            if models[pair[0]]["labels"] == models[pair[1]]["labels"]
        ],
        "best": best,
        "mistakes": _mistakes(answers[best], part, data.people_choice()[part.rows] if data.votes is not None else None),
    }


def turn(crops: np.ndarray) -> np.ndarray:
    """How far faces are turned aside, float (n,): the nose tip's distance from between the eyes, in eye distances."""
    return np.abs(upright(find_landmarks(crops))[:, _NOSE, 0])


def contrast(crops: np.ndarray) -> np.ndarray:
    """The standard deviation of each crop's grey levels, float (n,)."""
    return crops.reshape(len(crops), -1).std(axis=1)


def thirds(values: np.ndarray) -> np.ndarray:
    """Which third of the rows each value is in: int (n,), 0 the lowest."""
    return np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)


def without_calibration(model: bytes) -> bytes:
    """The same ONNX model with a calibration of every head that changes nothing: the softmax of its scores."""
    import onnx
    from onnx import numpy_helper

    changed = onnx.load_from_string(model)
    first = 0  # of the scores of a head
    for constant in changed.graph.initializer:
        values = numpy_helper.to_array(constant)
        if constant.name.endswith("calibration weights"):
            plain = np.ones_like(values)
            if values.ndim == 2:  # a matrix, of the scores of all heads; the heads are in their order
                plain[:] = np.eye(len(values), len(EMOTIONS), -first)
                first += len(EMOTIONS)
            constant.CopyFrom(numpy_helper.from_array(plain, constant.name))
        elif constant.name.endswith("calibration bias"):
            constant.CopyFrom(numpy_helper.from_array(np.zeros_like(values), constant.name))
    return changed.SerializeToString()


def _answers(data: Fer2013, part: Split, labels: str) -> np.ndarray:
    """How many answers each row's target is made of, int (n,): its label, or votes for the seven emotions."""
    if labels == "fer2013":
        return np.ones(len(part.rows), dtype=int)
    return data.people_votes()[part.rows][:, : len(EMOTIONS)].sum(axis=1)


def _calibration(
    name: str, crops: np.ndarray, probabilities: np.ndarray, shares: np.ndarray, answers: np.ndarray
) -> dict[str, Any]:
    """Reliability, ECE, and the ECE of exact confidences; for a model of its own also those before calibration.

    shares: (n, 7), the target distributions, of rows that count times a weight; answers: as of ``_answers``.
    """
    weights = shares.sum(axis=1)
    known = weights > 0
    agreeing = shares[known] / weights[known, None]

    def confidence_and_right(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return answers.max(axis=1), agreeing[np.arange(len(agreeing)), answers.argmax(axis=1)]

    pair = confidence_and_right(probabilities[known])
    figures = {
        "ece": calibration_error(*pair),
        "ece_of_exact": statistics.error_of_exact(pair[0], answers[known], BINS),
        "reliability": statistics.reliability(*pair, BINS),
        "ece_before": None,
        "reliability_before": None,
    }
    card = recognizers.card(name)
    if artifact.MODEL in card.files:
        content = without_calibration(artifact.read_model(recognizers.folder_of(name) / name, card))
        raw = recognizers.Recognizer(name, card, recognizers.steps(card, content)).predict_proba(crops[known])
        pair = confidence_and_right(raw)
        figures["ece_before"] = calibration_error(*pair)
        figures["reliability_before"] = statistics.reliability(*pair, BINS)
    return figures


def _coverage(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """Accuracy at each tenth of coverage."""
    _, coverage, accuracy = abstention.curve(probabilities, labels)
    wanted = np.arange(1, 11) / 10
    return [
        {"coverage": float(share), "accuracy": float(accuracy[np.searchsorted(coverage, share - 1e-9)])}
        for share in wanted
    ]


def _by_third(right: np.ndarray, third: np.ndarray, known: np.ndarray) -> list[float]:
    return [float(right[(third == each) & known].mean()) for each in range(3)]


def _pair(first: str, second: str, answers: dict[str, np.ndarray], labels: np.ndarray) -> dict[str, Any]:
    """Whether two models differ by more than chance, and how often they say the same. labels: (n,), -1 for none."""
    from sklearn.metrics import cohen_kappa_score

    labels, known = labels[labels >= 0], labels >= 0
    predicted = [answers[name].argmax(axis=1)[known] for name in (first, second)]
    return {
        "first": first,
        "second": second,
        "mcnemar": statistics.mcnemar(predicted[0] == labels, predicted[1] == labels),
        "same_answer": float((predicted[0] == predicted[1]).mean()),
        "kappa": float(cohen_kappa_score(*predicted)),
    }


def _mistakes(probabilities: np.ndarray, part: Split, people: np.ndarray | None) -> dict[str, Any]:
    """The most confident mistakes of a model, and what they have in common."""
    said, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(said != part.labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")[:MISTAKES]]
    pairs = [f"{EMOTIONS[part.labels[row]]} as {EMOTIONS[said[row]]}" for row in worst]
    found: dict[str, Any] = {
        "count": len(worst),
        "lowest_confidence": float(confidence[worst].min()),
        "commonest": sorted(((pairs.count(pair), pair) for pair in set(pairs)), reverse=True)[:3],
        "rows": [
            {"row": int(part.rows[row]), "mistake": pair, "confidence": float(confidence[row])}
            for row, pair in zip(worst, pairs, strict=True)
        ],
    }
    if people is not None:
        found["people_say_as_the_model"] = float((people[worst] == said[worst]).mean())
        found["people_say_as_the_label"] = float((people[worst] == part.labels[worst]).mean())
    return found
