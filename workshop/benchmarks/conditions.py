"""Models on hard conditions: accuracy, mean recall and uncertain answers on changed crops of PrivateTest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import examples, recognizers
from facial_emotion.evaluation.evaluate import choices
from facial_emotion.evaluation.scores import mean_recall
from facial_emotion.records import Json
from facial_emotion.scene import are_certain
from workshop.conditions import CONDITIONS

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013

SPLIT = "PrivateTest"


def measure(data: Fer2013, names: list[str], rows: int | None, step: Callable[[], object]) -> Json:
    """By model and condition: accuracy and mean recall by people's choice, and the share of uncertain answers.

    On PrivateTest's rows with a people's choice, the first ``rows`` of them; and the share of uncertain answers on
    crops of photographs (``examples``). step: called after each condition of each model.
    """
    labels = choices(data, SPLIT, "people")
    known = np.flatnonzero(labels >= 0)[:rows]
    crops, labels, portraits = data.split(SPLIT).crops[known], labels[known], examples.crops()
    models: Json = {}
    for name in names:
        recognizer = recognizers.load(name)
        models[name] = {}
        for condition, change in CONDITIONS.items():
            seen = change(crops)
            probabilities = recognizer.predict_proba(seen)
            answers = probabilities.argmax(axis=1)
            changed = change(portraits)
            of_portraits = are_certain(recognizer.predict_proba(changed), changed, recognizer.threshold)
            models[name][condition] = {
                "accuracy": float((answers == labels).mean()),
                "mean_recall": mean_recall(labels, answers),
                "uncertain": 1 - float(are_certain(probabilities, seen, recognizer.threshold).mean()),
                "uncertain_portraits": 1 - float(of_portraits.mean()),
            }
            step()
    return {"split": SPLIT, "rows": len(known), "portraits": len(portraits), "models": models}
