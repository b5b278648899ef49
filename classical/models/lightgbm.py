"""LightGBM (Ke et al., NeurIPS 2017) on HOG and landmark geometry."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.classical.graph import Graph
from facial_emotion.classical.task import Fitted, Task
from facial_emotion.classical.trees import SPACE as TREES
from facial_emotion.classical.trees import (
    Rows,
    Start,
    linear_start,
    scatter_rows,
    training_rows,
    tree_graph,
    whole_scores,
)
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Json
from facial_emotion.terminal import bar
from facial_emotion.training.tune import Space

if TYPE_CHECKING:
    from lightgbm import Booster

HEADS = ("fer2013",)
SPACE: Space = {
    **TREES,
    "parameters.num_leaves": ("int", {"low": 8, "high": 511, "log": True}),
    "parameters.feature_fraction": ("float", {"low": 0.02, "high": 0.5, "log": True}),
    "parameters.min_data_in_leaf": ("int", {"low": 10, "high": 200, "log": True}),
    "parameters.lambda_l2": ("float", {"low": 0.01, "high": 30.0, "log": True}),
}


def fit(task: Task, recipe: Json) -> Fitted:
    """Fit with early stopping on the log-loss of PublicTest after ``patience`` rounds; without patience, ``rounds``."""
    start = linear_start(task, recipe["linear_ridge"])
    rows = training_rows(task, recipe, start)
    settings = {
        **recipe["parameters"],
        "objective": "multiclass",
        "num_class": len(EMOTIONS),
        "metric": "multi_logloss",
        "seed": task.seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    if task.client is not None:
        booster, rounds = _boost_on_cluster(task, rows, settings, recipe), recipe["rounds"]
    else:
        booster = _boost(task, rows, start, settings, recipe)
        rounds = booster.best_iteration if recipe["patience"] else recipe["rounds"]
    mirror = task.mirror if recipe["mirrored_average"] else None

    def raw(rows: np.ndarray) -> np.ndarray:
        return np.asarray(booster.predict(rows.astype(np.float32), raw_score=True, num_iteration=rounds))

    def graph() -> Graph:
        import lightgbm
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        columns = [("input", FloatTensorType([None, task.features.shape[1]]))]
        text = booster.model_to_string(num_iteration=rounds)
        truncated = lightgbm.Booster(model_str=text)
        return tree_graph(convert_lightgbm(truncated, initial_types=columns, zipmap=False), start, mirror)

    return Fitted(whole_scores(raw, start, mirror), graph, notes={"rounds_used": rounds})


def _boost(task: Task, rows: Rows, start: Start, settings: Json, recipe: Json) -> Booster:
    """Boost on this machine."""
    import lightgbm

    features, labels, weights, scores = rows
    settings = {**settings, "num_threads": task.threads}
    training = lightgbm.Dataset(features, labels, weight=weights, init_score=scores, params=settings)
    held_out_features = task.held_out_features.astype(np.float32)
    held_out = training.create_valid(
        held_out_features, task.held_out_labels, init_score=start.scores(held_out_features)
    )
    with bar("lightgbm", recipe["rounds"]) as step:

        def report(state: Any) -> None:
            step(f"log-loss on PublicTest {state.evaluation_result_list[0][2]:.4f}")

        patience = recipe["patience"]
        stop = [lightgbm.early_stopping(patience, verbose=False)] if patience else []
        return lightgbm.train(
            settings, training, num_boost_round=recipe["rounds"], valid_sets=[held_out], callbacks=[*stop, report]
        )


def _boost_on_cluster(task: Task, rows: Rows, settings: Json, recipe: Json) -> Booster:
    """Boost on a Dask cluster, where each worker sums the gradients of its rows and has its own number of threads.

    LightGBM computes the bins of each feature from the rows of one worker, so the trees differ slightly from a fit on
    one machine.
    """
    from lightgbm import DaskLGBMClassifier

    assert task.client is not None
    features, labels, weights, scores = scatter_rows(task.client, rows)
    with bar(f"lightgbm, {recipe['rounds']} rounds on {features.numblocks[0]} workers", 1) as step:
        model = DaskLGBMClassifier(client=task.client, n_estimators=recipe["rounds"], **settings)
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            # It warns that the default number of threads is ignored.
            model.fit(features, labels, sample_weight=weights, init_score=scores)
        step()
    return model.booster_
