"""LightGBM (Ke et al., NeurIPS 2017) on HOG and landmark geometry."""

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
    import lightgbm

    features, labels, weights = training_rows(task, recipe)
    settings = {
        **recipe["parameters"],
        "objective": "multiclass",
        "num_class": len(EMOTIONS),
        "metric": "multi_logloss",
        "seed": task.seed,
        "num_threads": task.threads,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    training = lightgbm.Dataset(features, labels, weight=weights, params=settings)
    held_out = training.create_valid(task.held_out_features.astype(np.float32), task.held_out_labels)
    with bar("lightgbm", recipe["rounds"]) as step:

        def report(state: Any) -> None:
            step(f"log-loss on PublicTest {state.evaluation_result_list[0][2]:.4f}")

        booster = lightgbm.train(
            settings,
            training,
            num_boost_round=recipe["rounds"],
            valid_sets=[held_out],
            callbacks=[lightgbm.early_stopping(recipe["patience"], verbose=False), report],
        )
    mirror = task.mirror if recipe["mirrored_average"] else None

    def raw(rows: np.ndarray) -> np.ndarray:
        return np.asarray(booster.predict(rows.astype(np.float32), raw_score=True))

    def graph() -> Graph:
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        columns = [("input", FloatTensorType([None, task.features.shape[1]]))]
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        kept = lightgbm.Booster(model_str=text)
        return score_nodes(convert_lightgbm(kept, initial_types=columns, zipmap=False), mirror)

    return Fitted(averaged(raw, mirror), graph, notes={"rounds_used": booster.best_iteration})
