"""XGBoost (Chen and Guestrin, KDD 2016) on HOG and landmark geometry."""

from __future__ import annotations

from typing import Any

import numpy as np

from classical.graph import Graph
from classical.task import Fitted, Task
from classical.trees import averaged, score_nodes, training_rows
from features.emotions import EMOTIONS
from terminal import bar


def fit(task: Task, recipe: dict[str, Any]) -> Fitted:
    """Boost until the log-loss on PublicTest has not fallen for ``patience`` rounds."""
    import xgboost

    features, labels, weights = training_rows(task, recipe)
    settings = {
        **recipe["parameters"],
        "objective": "multi:softprob",
        "num_class": len(EMOTIONS),
        "eval_metric": "mlogloss",
        "tree_method": "hist",
        "seed": task.seed,
        "nthread": task.threads,
        "base_score": 0.0,
    }
    bins = settings.get("max_bin", 256)
    training = xgboost.QuantileDMatrix(features, labels, weight=weights, max_bin=bins)
    held_out = xgboost.QuantileDMatrix(
        task.held_out_features.astype(np.float32), task.held_out_labels, ref=training, max_bin=bins
    )

    class Report(xgboost.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            step(f"log-loss on PublicTest {evals_log['PublicTest']['mlogloss'][-1]:.4f}")
            return False

    with bar("xgboost", recipe["rounds"]) as step:
        booster = xgboost.train(
            settings,
            training,
            num_boost_round=recipe["rounds"],
            evals=[(held_out, "PublicTest")],
            verbose_eval=False,
            callbacks=[xgboost.callback.EarlyStopping(rounds=recipe["patience"]), Report()],
        )
    rounds = booster.best_iteration + 1
    booster = booster[:rounds]
    mirror = task.mirror if recipe["mirrored_average"] else None

    def raw(rows: np.ndarray) -> np.ndarray:
        return booster.inplace_predict(rows.astype(np.float32), predict_type="margin")

    def graph() -> Graph:
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        columns = [("input", FloatTensorType([None, task.features.shape[1]]))]
        return score_nodes(convert_xgboost(booster, initial_types=columns), mirror)

    return Fitted(averaged(raw, mirror), graph, notes={"rounds_used": rounds})
