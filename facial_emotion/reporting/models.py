"""The trained models in figures: how good, how sure, how different from one another, and where they fail."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion import artifact, paths, recognizers
from facial_emotion.evaluation import abstention, statistics
from facial_emotion.evaluation.scores import BINS, expected_calibration_error, scores
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.geometry import upright
from facial_emotion.features.landmarks import find_landmarks
from facial_emotion.records import to_json

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
    majority = data.majority_labels()[part.rows] if data.votes is not None else None
    answers, models = {}, {}
    for name in names:
        recognizer = recognizers.load(name)
        answers[name] = probabilities = recognizer.predict_proba(part.crops)
        judged = scores(probabilities, part.labels, duplicates, recognizer.threshold)
        models[name] = {
            "track": recognizer.card.track,
            "scores": to_json(judged),
            "intervals": statistics.intervals(np.array(judged.confusion)),
            "threshold": recognizer.threshold,
            "calibration": _calibration(name, part, probabilities),
            "coverage": _coverage(probabilities, part.labels),
            "groups": {
                kind: _by_third(probabilities.argmax(axis=1) == part.labels, third) for kind, third in groups.items()
            },
            "ferplus_accuracy": None if majority is None else _against(probabilities, majority),
        }
        step()
    best = max(names, key=lambda name: recognizers.card(name).metrics["PublicTest"].accuracy)
    return {
        "split": SPLIT,
        "models": models,
        "pairs": [_pair(*pair, answers, part.labels) for pair in itertools.combinations(names, 2)],
        "best": best,
        "mistakes": _mistakes(answers[best], part, majority),
    }


def turn(crops: np.ndarray) -> np.ndarray:
    """How far faces are turned aside, float (n,): the nose tip's distance from between the eyes, in eye distances."""
    result: np.ndarray = np.abs(upright(find_landmarks(crops))[:, _NOSE, 0])
    return result


def contrast(crops: np.ndarray) -> np.ndarray:
    """The standard deviation of each crop's grey levels, float (n,)."""
    result: np.ndarray = crops.reshape(len(crops), -1).std(axis=1)
    return result


def thirds(values: np.ndarray) -> np.ndarray:
    """Which third of the rows each value is in: int (n,), 0 the lowest."""
    return np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)


def without_calibration(model: bytes) -> bytes:
    """The same ONNX model with softmax(scores) for probabilities."""
    import onnx

    changed = onnx.load_from_string(model)
    for node in changed.graph.node:
        if node.op_type == "Softmax" and "probabilities" in node.output:
            node.input[0] = "scores"
    result: bytes = changed.SerializeToString()
    return result


def _calibration(name: str, part: Split, probabilities: np.ndarray) -> dict[str, Any]:
    """Reliability and ECE; for a model of its own also those of its scores before calibration."""
    found = {
        "ece": expected_calibration_error(probabilities, part.labels),
        "reliability": statistics.reliability(probabilities, part.labels, BINS),
        "ece_before": None,
        "reliability_before": None,
    }
    card = recognizers.card(name)
    if artifact.MODEL in card.files:
        content = without_calibration(artifact.read_model(paths.ARTIFACTS / name, card))
        raw = recognizers.Recognizer(name, card, recognizers.steps(card, content)).predict_proba(part.crops)
        found["ece_before"] = expected_calibration_error(raw, part.labels)
        found["reliability_before"] = statistics.reliability(raw, part.labels, BINS)
    return found


def _coverage(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """Accuracy at each tenth of coverage."""
    _, coverage, accuracy = abstention.curve(probabilities, labels)
    wanted = np.arange(1, 11) / 10
    return [
        {"coverage": float(share), "accuracy": float(accuracy[np.searchsorted(coverage, share - 1e-9)])}
        for share in wanted
    ]


def _by_third(right: np.ndarray, third: np.ndarray) -> list[float]:
    return [float(right[third == each].mean()) for each in range(3)]


def _against(probabilities: np.ndarray, majority: np.ndarray) -> dict[str, Any]:
    voted = majority >= 0
    right = probabilities.argmax(axis=1)[voted] == majority[voted]
    return {"rows": int(voted.sum()), "accuracy": float(right.mean())}


def _pair(first: str, second: str, answers: dict[str, np.ndarray], labels: np.ndarray) -> dict[str, Any]:
    """Whether two models differ by more than chance, and how often they say the same."""
    from sklearn.metrics import cohen_kappa_score

    said = [answers[name].argmax(axis=1) for name in (first, second)]
    return {
        "first": first,
        "second": second,
        "mcnemar": statistics.mcnemar(said[0] == labels, said[1] == labels),
        "same_answer": float((said[0] == said[1]).mean()),
        "kappa": float(cohen_kappa_score(*said)),
    }


def _mistakes(probabilities: np.ndarray, part: Split, majority: np.ndarray | None) -> dict[str, Any]:
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
    if majority is not None:
        found["people_say_as_the_model"] = float((majority[worst] == said[worst]).mean())
        found["people_say_as_the_label"] = float((majority[worst] == part.labels[worst]).mean())
    return found
