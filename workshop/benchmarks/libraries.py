"""Our descriptors and LS-SVM beside those of scikit-image and scikit-learn: time for a face, and accuracy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from skimage.feature import hog as their_hog
from skimage.feature import local_binary_pattern

from facial_emotion import examples, registry
from facial_emotion.classical import models
from facial_emotion.classical.models.svm import components
from facial_emotion.classical.symmetric_pca import fit_symmetric_pca, symmetric_parts
from facial_emotion.classical.train import subset, task_for
from facial_emotion.evaluation.timing import repeated
from facial_emotion.features import hog, lbp
from facial_emotion.features.landmarks import align, find_landmarks
from facial_emotion.records import Json, to_json
from facial_emotion.training.job import Job, recipe_of

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013

_ROUNDS = 200


def measure(data: Fer2013, rows: int) -> Json:
    """The figures of each pair. rows: of Training that both SVMs are fitted on."""
    crops = examples.crops()[:1]
    face = align(crops, find_landmarks(crops))[0][0]
    # As scikit-image's: blocks of 2 x 2 cells of 8 pixels, every 8 pixels, 8 orientations.
    figures = {
        "hog": _pair(
            lambda: hog.normalise(hog.grid_histograms(hog.orientation_maps(face), 8, 2, 8)),
            lambda: their_hog(face, 8, (8, 8), (2, 2), "L2-Hys"),
        ),
        "lbp": _pair(lambda: lbp.patterns(face, 1), lambda: local_binary_pattern(face, 8, 1, "nri_uniform")),
    }
    return {**figures, "svm": _svm(data, rows)}


def _pair(ours: Callable[[], object], theirs: Callable[[], object]) -> Json:
    """Milliseconds of both, and how many times as long theirs takes."""
    own, other = (repeated(function, _ROUNDS) for function in (ours, theirs))
    return {"ours": to_json(own), "theirs": to_json(other), "ratio": other.median_ms / own.median_ms}


def _svm(data: Fer2013, rows: int) -> Json:
    """Accuracy on PublicTest and seconds of the fit, of the LS-SVM and of scikit-learn's SVC on the same components."""
    from sklearn.svm import SVC

    recipe = replace(recipe_of("svm"), heads=["fer2013"])
    task = subset(task_for(Job("svm", recipe, data)), rows)
    start = time.perf_counter()
    ours = registry.module(models, "svm").fit(task, recipe.fit)
    seconds = time.perf_counter() - start
    projections = [
        fit_symmetric_pca(task.features, symmetric_parts(*block, task.mirror), each["components"], each["weight"], 0)
        for block, each in zip(task.blocks, recipe.fit["blocks"], strict=True)
    ]
    held_out = task.held_out_features
    own = float((ours.scores(held_out).argmax(axis=1) == task.held_out_labels).mean())
    figures: Json = {"rows": len(task.labels), "ours": {"accuracy": own, "fit_s": seconds}, "theirs": {}}
    total = sum(each["weight"] for each in recipe.fit["blocks"])
    training, judged = (np.hstack(components(projections, each)) for each in (task.features, held_out))
    for cost in (1.0, 3.0, 10.0):
        start = time.perf_counter()
        theirs = SVC(C=cost, gamma=recipe.fit["gamma"] / total).fit(training, task.labels)
        seconds = time.perf_counter() - start
        accuracy = float((theirs.predict(judged) == task.held_out_labels).mean())
        figures["theirs"][f"C={cost:g}"] = {"accuracy": accuracy, "fit_s": seconds}
    return figures
