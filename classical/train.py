"""Fit a classical model on Training, calibrate it on PublicTest, and write it to artifacts/.

facial-emotion train lightgbm --data fer2013.csv.xz
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion import artifact, paths, registry
from facial_emotion.classical import models
from facial_emotion.classical.augment import Augmentation, moved
from facial_emotion.classical.graph import to_onnx
from facial_emotion.classical.task import Fitted, Task
from facial_emotion.data import fer2013
from facial_emotion.errors import InputError
from facial_emotion.evaluation import calibration
from facial_emotion.evaluation.evaluate import choices, targets
from facial_emotion.evaluation.finish import Exported, finish
from facial_emotion.evaluation.parity import parity
from facial_emotion.evaluation.results import installed_versions
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.extract import column_ranges, extract_cached, mirror_of, predictor_of
from facial_emotion.features.landmarks import fingerprint
from facial_emotion.records import Card, parse, read_json, to_json
from facial_emotion.threads import onnx_session

if TYPE_CHECKING:
    from distributed import Client

    from facial_emotion.evaluation.calibration import Calibration

RECIPES = Path(__file__).parent / "recipes"
LICENCES = {  # by the landmark predictor
    "ibug": "MIT for the model. Its landmark predictor was trained on the output of dlib's 68-point model, which was "
    "trained on iBUG 300-W, whose licence excludes commercial use. Trained on FER2013, which was made for research.",
    "mesh": "MIT for the model. Its landmark predictor was trained on the output of MediaPipe's face mesh, which "
    "is under Apache 2.0. Trained on FER2013, which was made for research.",
}
_FITTED_ON = {  # how a calibration is fitted, by the split
    "PublicTest": "fitted on PublicTest: figures on PublicTest are of the rows it was fitted on",
    "Training": "fitted on the scores that each row of Training gets from a fit without it",
}
_LIBRARIES = (
    "numpy",
    "scikit-learn",
    "opencv-python-headless",
    "dlib-bin",
    "lightgbm",
    "xgboost-cpu",
    "xgboost",
    "onnx",
)


def task_for(data: fer2013.Fer2013, recipe: Recipe, seed: int, threads: int, client: Client | None = None) -> Task:
    """The features of Training and PublicTest by a recipe, extracted or from the cache."""
    from joblib import parallel_config

    with parallel_config("dask") if client is not None else nullcontext():
        features = extract_cached(data.crops, recipe.features, paths.CACHE, threads)
        copies = moved(data.crops[data.split("Training").rows], recipe.augmentation, seed)
        moved_features = tuple(extract_cached(copy, recipe.features, paths.CACHE, threads) for copy in copies)
    training, held_out = data.split("Training"), data.split("PublicTest")
    return Task(
        np.asarray(features[training.rows]),
        training.labels,
        np.asarray(features[held_out.rows]),
        held_out.labels,
        mirror_of(recipe.features),
        column_ranges(recipe.features),
        seed,
        threads,
        client,
        _people_targets(data) if "people" in recipe.heads else None,
        moved_features,
    )


def _people_targets(data: fer2013.Fer2013) -> np.ndarray:
    """Distributions of people's votes float32 (n, 7) of Training; uniform where nobody chose one of the seven."""

    shares = targets(data, "Training", "people")
    totals = shares.sum(axis=1, keepdims=True)
    result = np.divide(shares, totals, out=np.full_like(shares, 1 / len(EMOTIONS)), where=totals > 0)
    return result.astype(np.float32)


@dataclass(frozen=True)
class Recipe:
    """The settings of a training.

    features: the feature recipe (see features.extract); fit: the settings of the model's ``fit``; tuning: the search
    that chose them; heads: "fer2013", or that and "people" for a model that has a second set of outputs; calibration:
    how scores become probabilities, a key of ``evaluation.calibration.METHODS``; augmentation: moved copies of Training
    that boosted trees are fitted on too.
    """

    features: dict[str, Any]
    fit: dict[str, Any]
    tuning: dict[str, Any] | None = None
    heads: list[str] = field(default_factory=lambda: ["fer2013"])
    calibration: str = "matrix"
    augmentation: Augmentation | None = None


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a JSON file. Raises InputError."""
    try:
        content = read_json(path, "a recipe in JSON")
    except OSError as error:
        raise InputError(path, "a recipe in JSON", error.strerror or str(error)) from error
    recipe = parse(Recipe, content, path)
    if recipe.heads not in (["fer2013"], ["fer2013", "people"]):
        raise InputError(path, "'heads', fer2013 or fer2013 and people", ", ".join(recipe.heads) or "none")
    if recipe.calibration not in calibration.METHODS:
        raise InputError(path, f"'calibration', {' or '.join(calibration.METHODS)}", recipe.calibration)
    if recipe.augmentation:
        recipe.augmentation.check(path)
    return recipe


def model_module(name: str) -> ModuleType:
    """The module of a model. Raises InputError where it lacks something."""
    return registry.module(models, name)


def fit(name: str, task: Task, settings: dict[str, Any]) -> Fitted:
    """Fit a model with the settings of a recipe."""
    return model_module(name).fit(task, settings)


def with_rounds(recipe: Recipe, rounds: int | None) -> Recipe:
    """The recipe without early stopping: with a fixed number of boosting rounds, or None for the recipe's own.

    Raises InputError if ``rounds`` is given for a model without boosting rounds.
    """
    if "rounds" not in recipe.fit:
        if rounds is None:
            return recipe
        raise InputError("--rounds", "a model that is boosted, lightgbm or xgboost", "one that is not")
    return replace(recipe, fit={**recipe.fit, "rounds": rounds or recipe.fit["rounds"], "patience": None})


def feature_medians(features: np.ndarray) -> bytes:
    """The medians, float16 (d,), of features (n, d) over up to 2,000 rows, as the content of a .npy file."""
    rows = features[:: -(-len(features) // 2000)]
    stream = io.BytesIO()
    np.save(stream, np.median(rows, axis=0).astype(np.float16))
    return stream.getvalue()


def train(
    name: str,
    data: fer2013.Fer2013,
    recipe: Recipe,
    out: Path,
    seed: int,
    threads: int,
    client: Client | None = None,
    command: str = "",
) -> list[Card]:
    """Fit, export, check, evaluate, and write the artifact; the cards of its heads, which say the command."""

    _check_fits(name, recipe)
    start = time.perf_counter()
    task = task_for(data, recipe, seed, threads, client)
    fitted = fit(name, task, recipe.fit)
    held_out_scores = _for_heads(fitted.scores(task.held_out_features), recipe)
    minutes = (time.perf_counter() - start) / 60

    exported = Exported(
        recipe.heads,
        held_out_scores if fitted.left_out is None else _for_heads(fitted.left_out, recipe),
        calibration.METHODS[recipe.calibration],
        lambda calibrations: to_onnx(
            fitted.graph(), task.features.shape[1], dict(zip(recipe.heads, calibrations, strict=True))
        ),
        _exported_predictions(data, recipe, threads),
        partial(_check_export, data, recipe, fitted.bound, held_out_scores),
        {artifact.TYPICAL: feature_medians(task.features)},
        "PublicTest" if fitted.left_out is None else "Training",
    )
    card = Card(
        name=name,
        track="classical",
        input="crops uint8 (n, 48, 48); model.onnx takes their features float32",
        emotions=list(EMOTIONS),
        features=recipe.features,
        landmarks=fingerprint(predictor_of(recipe.features)),
        training={"command": command, **_provenance(name, data, recipe, seed, minutes, client, fitted)},
        calibration=f"{recipe.calibration} scaling, {_FITTED_ON[exported.split]}",
        threshold=0.0,
        metrics={},
        licence=LICENCES[predictor_of(recipe.features)],
        files={},
    )
    return finish(exported, card, data, out)


def _for_heads(scores: np.ndarray, recipe: Recipe) -> np.ndarray:
    """What each head's calibration takes of scores (n, 7 heads): its own (n, heads, 7), or all (n, heads, 7 heads)."""
    if recipe.calibration == calibration.JOINT:
        return np.repeat(scores[:, None], len(recipe.heads), axis=1)
    return scores.reshape(len(scores), len(recipe.heads), len(EMOTIONS))


def _check_fits(name: str, recipe: Recipe) -> None:
    """Raise InputError for heads and copies that a model can't have."""
    heads = model_module(name).HEADS
    if not set(recipe.heads) <= set(heads):
        raise InputError(name, f"a recipe with the heads {', '.join(heads)}", ", ".join(recipe.heads))
    if recipe.augmentation and "rounds" not in recipe.fit:
        raise InputError(name, "a recipe without 'augmentation': only boosted trees take it", "one with it")


def _check_export(
    data: fer2013.Fer2013,
    recipe: Recipe,
    bound: float,
    scores: np.ndarray,
    calibrations: list[Calibration],
    probabilities: np.ndarray,
) -> dict[str, float]:
    """The parity of exported probabilities on PublicTest (n, heads, 7) with the library's scores for each head."""

    library = [one.probabilities(scores[:, head]) for head, one in enumerate(calibrations)]
    labels = [choices(data, "PublicTest", head) for head in recipe.heads]
    return parity(bound, np.concatenate(library), np.concatenate(probabilities.swapaxes(0, 1)), np.concatenate(labels))


def _exported_predictions(
    data: fer2013.Fer2013, recipe: Recipe, threads: int
) -> Callable[[bytes, str, fer2013.Split], np.ndarray]:
    """A function from a model, its output's name and a split to the output's probabilities float32 (n, 7)."""

    features = extract_cached(data.crops, recipe.features, paths.CACHE, threads)

    def predict(model: bytes, output: str, split: fer2013.Split) -> np.ndarray:
        session = onnx_session(model, threads)
        rows = np.asarray(features[split.rows], dtype=np.float32)
        parts = np.array_split(rows, len(rows) // 256 + 1)
        return np.concatenate([session.run([output], {"features": part})[0] for part in parts])

    return predict


def _provenance(
    name: str,
    data: fer2013.Fer2013,
    recipe: Recipe,
    seed: int,
    minutes: float,
    client: Client | None,
    fitted: Fitted,
) -> dict[str, Any]:
    """The card's record of a training: settings, data, duration in minutes and versions."""
    return {
        "model": name,
        "fit": recipe.fit,
        "tuning": recipe.tuning,
        **({"augmentation": to_json(recipe.augmentation)} if recipe.augmentation else {}),
        "seed": seed,
        "data_hash": data.hash,
        "minutes": round(minutes, 1),
        **({"workers": len(client.nthreads())} if client is not None else {}),
        "versions": installed_versions(_LIBRARIES),
        **fitted.notes,
    }
