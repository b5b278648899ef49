"""XGBoost (Chen and Guestrin, KDD 2016) on HOG and landmark geometry."""

from __future__ import annotations

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
    from xgboost import Booster

HEADS = ("fer2013",)
SPACE: Space = {
    **TREES,
    "parameters.max_leaves": ("int", {"low": 8, "high": 511, "log": True}),
    "parameters.colsample_bytree": ("float", {"low": 0.02, "high": 0.5, "log": True}),
    "parameters.min_child_weight": ("float", {"low": 1.0, "high": 30.0, "log": True}),
    "parameters.lambda": ("float", {"low": 0.1, "high": 30.0, "log": True}),
}
_BINS = 256  # histogram bins for each feature; XGBoost's default


def fit(task: Task, recipe: Json) -> Fitted:
    """Fit with early stopping on the log-loss of PublicTest after ``patience`` rounds; without patience, ``rounds``."""
    start = linear_start(task, recipe["linear_ridge"])
    rows = training_rows(task, recipe, start)
    settings = {
        **recipe["parameters"],
        "objective": "multi:softprob",
        "num_class": len(EMOTIONS),
        "eval_metric": "mlogloss",
        "tree_method": "hist",
        "seed": task.seed,
        "base_score": 0.0,
    }
    if task.client is not None:
        booster, rounds = _boost_on_cluster(task, rows, settings, recipe), recipe["rounds"]
    else:
        booster = _boost(task, rows, start, settings, recipe)
        rounds = booster.best_iteration + 1 if recipe["patience"] else recipe["rounds"]
        booster = booster[:rounds]
    mirror = task.mirror if recipe["mirrored_average"] else None

    def raw(rows: np.ndarray) -> np.ndarray:
        return booster.inplace_predict(rows.astype(np.float32), predict_type="margin")

    def graph() -> Graph:
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        columns = [("input", FloatTensorType([None, task.features.shape[1]]))]
        return tree_graph(convert_xgboost(booster, initial_types=columns), start, mirror)

    return Fitted(whole_scores(raw, start, mirror), graph, notes={"rounds_used": rounds})


def _boost(task: Task, rows: Rows, start: Start, settings: Json, recipe: Json) -> Booster:
    """Boost on this machine."""
    import xgboost

    features, labels, weights, scores = rows
    bins = settings.get("max_bin", _BINS)
    training = xgboost.QuantileDMatrix(features, labels, weight=weights, base_margin=scores, max_bin=bins)
    held_out_features = task.held_out_features.astype(np.float32)
    held_out = xgboost.QuantileDMatrix(
        held_out_features, task.held_out_labels, base_margin=start.scores(held_out_features), ref=training, max_bin=bins
    )

    class Report(xgboost.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            step(f"log-loss on PublicTest {evals_log['PublicTest']['mlogloss'][-1]:.4f}")
            return False

    patience = recipe["patience"]
    stop = [xgboost.callback.EarlyStopping(rounds=patience)] if patience else []
    with bar("xgboost", recipe["rounds"]) as step:
        return xgboost.train(
            {**settings, "nthread": task.threads},
            training,
            num_boost_round=recipe["rounds"],
            evals=[(held_out, "PublicTest")],
            verbose_eval=False,
            callbacks=[*stop, Report()],
        )


def _boost_on_cluster(task: Task, rows: Rows, settings: Json, recipe: Json) -> Booster:
    """Boost on a Dask cluster, where each worker sums the gradients of its rows and has its own number of threads."""
    from xgboost import dask as distributed

    assert task.client is not None
    features, labels, weights, scores = scatter_rows(task.client, rows)
    bins = settings.get("max_bin", _BINS)
    with bar(f"xgboost, {recipe['rounds']} rounds on {features.numblocks[0]} workers", 1) as step:
        training = distributed.DaskQuantileDMatrix(
            task.client, features, labels, weight=weights, base_margin=scores, max_bin=bins
        )
        trained = distributed.train(task.client, settings, training, num_boost_round=recipe["rounds"])
        step()
    return trained["booster"]
