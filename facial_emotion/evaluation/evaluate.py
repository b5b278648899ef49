"""The threshold and the scores of a finished model, whichever trainer made it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.evaluation import abstention
from facial_emotion.evaluation.scores import scores
from facial_emotion.records import Scores

SPLITS = ("PublicTest", "PrivateTest")


def evaluate(data: Fer2013, predict: Callable[[str], np.ndarray]) -> tuple[float, dict[str, Scores]]:
    """The threshold that PublicTest chooses for a calibrated model, and the model's scores on both splits.

    predict: a split's name -> calibrated probabilities float (n, 7). PrivateTest is only reported.
    """
    probabilities = {name: predict(name) for name in SPLITS}
    threshold = abstention.choose(probabilities["PublicTest"], data.split("PublicTest").labels)
    return threshold, {
        name: scores(probabilities[name], data.split(name).labels, data.near_duplicates(name), threshold)
        for name in SPLITS
    }
