"""The classical track of training: features of the crops, a model fitted on them, and its export to ONNX.

facial-emotion train lightgbm --data fer2013.csv.xz
"""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import artifact, paths, registry
from facial_emotion.classical import models
from facial_emotion.classical.estimator import fit_model
from facial_emotion.classical.graph import to_onnx
from facial_emotion.classical.recipe import RECIPES, Recipe
from facial_emotion.classical.task import Task
from facial_emotion.errors import InputError
from facial_emotion.evaluation.evaluate import choices, targets
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.extract import column_ranges, extract_cached, mirror_of
from facial_emotion.features.landmarks import fingerprint
from facial_emotion.records import Json
from facial_emotion.threads import onnx_session
from facial_emotion.training import calibrate
from facial_emotion.training.augment import moved
from facial_emotion.training.finish import Exported
from facial_emotion.training.parity import parity
from facial_emotion.training.tune import Limits, Report, Space

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013, Split
    from facial_emotion.training.calibrate import Calibration
    from facial_emotion.training.job import Job

__all__ = ["LIBRARIES", "PACKAGE", "RECIPES", "Recipe", "fit", "space", "trials"]
PACKAGE = models
LICENCE = (
    "MIT for the model. Its landmark predictor was trained on the output of MediaPipe's face mesh, which is under "
    "Apache 2.0. Trained on FER2013, which was made for research."
)
LIBRARIES = (
    "numpy",
    "scikit-learn",
    "opencv-python-headless",
    "dlib-bin",
    "lightgbm",
    "xgboost-cpu",
    "xgboost",
    "onnx",
    "skl2onnx",
)
_FITTED_ON = {  # how a calibration is fitted, by the split
    "PublicTest": "fitted on PublicTest: figures on PublicTest are of the rows it was fitted on",
    "Training": "fitted on the scores that each row of Training gets from a fit without it",
}


def space(model: str) -> Space:
    """The search space of a model."""
    return {f"fit.{key}": limits for key, limits in registry.module(models, model).SPACE.items()}


def task_for(job: Job) -> Task:
    """The features of Training and PublicTest by the job's recipe, extracted or from the cache."""
    from joblib import parallel_config

    recipe, data = job.recipe, job.data
    training, held_out = data.split("Training"), data.split("PublicTest")
    with parallel_config("dask") if job.client is not None else nullcontext():
        features = extract_cached(data.crops, recipe.features, paths.CACHE, job.threads)
        copies = moved(training.crops, recipe.augment, recipe.copies, job.seed)
        moved_features = tuple(extract_cached(copy, recipe.features, paths.CACHE, job.threads) for copy in copies)
    return Task(
        np.asarray(features[training.rows]),
        training.labels,
        np.asarray(features[held_out.rows]),
        held_out.labels,
        mirror_of(recipe.features),
        column_ranges(recipe.features),
        job.seed,
        job.threads,
        job.client,
        _people_targets(data) if "people" in recipe.heads else None,
        moved_features,
    )


def _people_targets(data: Fer2013) -> np.ndarray:
    """Distributions of people's votes float32 (n, 7) of Training; uniform where nobody chose one of the seven."""
    shares = targets(data, "Training", "people")
    totals = shares.sum(axis=1, keepdims=True)
    uniform = np.full_like(shares, 1 / len(EMOTIONS))
    return np.divide(shares, totals, out=uniform, where=totals > 0).astype(np.float32)


def fit(job: Job) -> Exported:
    """Fit the job's model and export it."""
    start, recipe = time.perf_counter(), job.recipe
    task = task_for(job)
    fitted = fit_model(job.model, task, recipe.fit)
    scores = fitted.scores(task.held_out_features)
    if scores.shape[1] != len(recipe.heads) * len(EMOTIONS):
        raise InputError(job.model, f"scores of the heads {', '.join(recipe.heads)}", f"{scores.shape[1]} scores")
    scores = _for_heads(scores, recipe)
    minutes = round((time.perf_counter() - start) / 60, 1)
    split = "PublicTest" if fitted.left_out is None else "Training"

    def check(calibrations: list[Calibration], probabilities: np.ndarray) -> dict[str, float]:
        library = [one.probabilities(scores[:, head]) for head, one in enumerate(calibrations)]
        labels = [choices(job.data, "PublicTest", head) for head in recipe.heads]
        served = np.concatenate(probabilities.swapaxes(0, 1))
        return parity(fitted.bound, np.concatenate(library), served, np.concatenate(labels))

    return Exported(
        recipe.heads,
        scores if fitted.left_out is None else _for_heads(fitted.left_out, recipe),
        calibrate.METHODS[recipe.calibration],
        lambda fits: to_onnx(fitted.graph(), task.features.shape[1], dict(zip(recipe.heads, fits, strict=True))),
        _exported_predictions(job),
        check,
        card={
            "track": "classical",
            "input": "crops uint8 (n, 48, 48); model.onnx takes their features float32",
            "features": recipe.features,
            "landmarks": fingerprint(),
            "calibration": f"{recipe.calibration} scaling, {_FITTED_ON[split]}",
            "licence": LICENCE,
        },
        training={
            "minutes": minutes,
            **({"workers": len(job.client.nthreads())} if job.client is not None else {}),
            **fitted.notes,
        },
        files={artifact.TYPICAL: feature_medians(task.features)},
        split=split,
    )


def _for_heads(scores: np.ndarray, recipe: Recipe) -> np.ndarray:
    """What each head's calibration takes of scores (n, 7 heads): its own (n, heads, 7), or all (n, heads, 7 heads)."""
    if recipe.calibration == calibrate.JOINT:
        return np.repeat(scores[:, None], len(recipe.heads), axis=1)
    return scores.reshape(len(scores), len(recipe.heads), len(EMOTIONS))


def _exported_predictions(job: Job) -> Callable[[bytes, str, Split], np.ndarray]:
    """A function from a model, its output's name and a split to the output's probabilities float32 (n, 7)."""
    features = extract_cached(job.data.crops, job.recipe.features, paths.CACHE, job.threads)

    def predict(model: bytes, output: str, split: Split) -> np.ndarray:
        session = onnx_session(model, job.threads)
        rows = np.asarray(features[split.rows], dtype=np.float32)
        parts = np.array_split(rows, len(rows) // 256 + 1)
        return np.concatenate([session.run([output], {"features": part})[0] for part in parts])

    return predict


def feature_medians(features: np.ndarray) -> bytes:
    """The medians, float16 (d,), of features (n, d) over up to 2,000 rows, as the content of a .npy file."""
    rows = features[:: -(-len(features) // 2000)]
    stream = io.BytesIO()
    np.save(stream, np.median(rows, axis=0).astype(np.float16))
    return stream.getvalue()


def trials(job: Job, limits: Limits) -> tuple[Callable[[Recipe, Report], float], Json]:
    """A function that fits by a recipe on some rows and returns the accuracy on PublicTest; and notes on the rows."""
    task = subset(task_for(job), limits.rows)

    def score(recipe: Recipe, report: Report) -> float:
        scores = fit_model(job.model, task, recipe.fit).scores(task.held_out_features)[:, : len(EMOTIONS)]
        return float((scores.argmax(axis=1) == task.held_out_labels).mean())

    return score, {"rows": len(task.labels)}


def subset(task: Task, rows: int | None) -> Task:
    """A task with a random subset of ``rows`` training rows; the task itself if it has no more, or for None."""
    if rows is None or rows >= len(task.labels):
        return task
    chosen = np.sort(np.random.default_rng(task.seed).permutation(len(task.labels))[:rows])
    people = None if task.people is None else task.people[chosen]
    moved_features = tuple(features[chosen] for features in task.moved)
    return dataclasses.replace(
        task, features=task.features[chosen], labels=task.labels[chosen], people=people, moved=moved_features
    )
