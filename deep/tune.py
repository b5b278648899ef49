"""Search a network's hyperparameters and width with Optuna and write the recipe that training uses.

Each trial trains some epochs on some rows of Training and is judged by its best accuracy on PublicTest;
a trial that falls behind the others is stopped early. The study is kept on disk: the same command goes on
where the last one stopped.

    facial-emotion tune cnn --data fer2013.csv.xz --trials 20 --rows 8000 --epochs 8
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion import paths, tuning
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.deep.loop import Rows
from facial_emotion.deep.recipe import read
from facial_emotion.deep.train import network, rows_of
from facial_emotion.errors import InputError
from facial_emotion.tuning import Space

if TYPE_CHECKING:
    import optuna

_COMMON: Space = {
    "optimiser.weight_decay": ("float", {"low": 1e-4, "high": 3e-2, "log": True}),
    "augment.erasing": ("float", {"low": 0.0, "high": 0.5}),
    "augment.mixup": ("float", {"low": 0.0, "high": 0.4}),
    "label_smoothing": ("float", {"low": 0.0, "high": 0.2}),
    "class_weight_power": ("float", {"low": 0.0, "high": 0.5}),
    "network.dropout": ("float", {"low": 0.1, "high": 0.6}),
}
SPACES: dict[str, Space] = {
    "cnn": {
        **_COMMON,
        "stages.0.rate": ("float", {"low": 0.02, "high": 0.5, "log": True}),
        "network.stages.0.0": ("int", {"low": 64, "high": 160, "step": 32}),
        "network.stages.1.0": ("int", {"low": 128, "high": 320, "step": 64}),
        "network.stages.2.0": ("int", {"low": 256, "high": 512, "step": 128}),
    },
    "vgg16": {
        **_COMMON,
        "stages.1.rate": ("float", {"low": 1e-4, "high": 1e-2, "log": True}),
        "network.hidden": ("int", {"low": 128, "high": 512, "step": 128}),
    },
}


def shortened(recipe: dict[str, Any], epochs: int, side: int) -> dict[str, Any]:
    """A recipe whose stages together last so many epochs, at least one each, on crops of one side."""
    stages = [dict(stage) for stage in recipe["stages"]]
    whole = sum(stage["epochs"] for stage in stages)
    for stage in stages:
        stage["epochs"] = max(1, round(stage["epochs"] * epochs / whole))
    share = sum(stage["epochs"] for stage in stages) / whole
    return {**recipe, "stages": stages, "sides": [[0, side]], "mixup_until": round(recipe["mixup_until"] * share)}


def search(
    name: str,
    training: Rows,
    held_out: Rows,
    recipe: dict[str, Any],
    trials: int,
    seed: int,
    folder: Path,
    weights: Path | None = None,
) -> optuna.Study:
    """Run trials of a network until the study has that many, whole or stopped early."""
    import keras
    import optuna

    from facial_emotion.deep import loop

    def objective(trial: optuna.Trial) -> float:
        drawn = tuning.draw(trial, recipe, SPACES[name])
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        model = network(name).build(drawn["network"])
        network(name).begin(model, weights)
        trial.set_user_attr("recipe", drawn)

        def report(history: list[dict[str, float]]) -> None:
            trial.report(history[-1]["held_out_accuracy"], len(history))
            if trial.should_prune():
                raise optuna.TrialPruned

        identity = {"network": name, "recipe": drawn, "seed": seed}
        try:
            history = loop.fit(model, drawn, training, held_out, folder, identity, False, report)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return max(figures["held_out_accuracy"] for figures in history)

    return tuning.search(
        f"{name}-{len(training.labels)}-rows-{recipe['stages']}",
        f"sqlite:///{paths.CACHE / 'tuning.db'}",
        objective,
        tuning.present(recipe, SPACES[name]),
        trials,
        seed,
        optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
    )


def tune(
    name: str,
    data: Fer2013,
    path: Path,
    out: Path,
    weights: Path | None,
    trials: int,
    rows: int,
    epochs: int,
    side: int,
    seed: int,
) -> str:
    """Search from the recipe at ``path`` and write the best one to ``out``; a line about it."""
    from facial_emotion.deep import backend

    recipe = read(path)
    backend.start(recipe["precision"])
    whole = rows_of(data, "Training", recipe["labels"])
    some = np.sort(np.random.default_rng(seed).permutation(len(whole.labels))[:rows])
    training = Rows(*(values[some] for values in dataclasses.astuple(whole)))
    short = shortened(recipe, epochs, side)
    try:
        tuning.present(short, SPACES[name])
    except (KeyError, IndexError, TypeError) as error:
        raise InputError(path, "a recipe that the search space fits", repr(error)) from error
    held_out, scratch = rows_of(data, "PublicTest"), paths.CACHE / "tuning" / name
    study = search(name, training, held_out, short, trials, seed, scratch, weights)
    best = study.best_trial.user_attrs["recipe"]
    kept = {key: recipe[key] for key in ("stages", "sides", "mixup_until")}
    for stage, found in zip(kept["stages"], best["stages"], strict=True):
        stage["rate"] = found["rate"]
    pruned = sum(trial.state.name == "PRUNED" for trial in study.trials)
    notes = {"trials": len(study.trials), "stopped_early": pruned, "rows": len(some), "epochs": epochs, "side": side}
    tuned = {**best, **kept, "tuning": {**notes, "accuracy_on_PublicTest": study.best_value}}
    out.write_text(json.dumps(tuned, indent=1) + "\n")
    return f"{out}: trial {study.best_trial.number}, accuracy {study.best_value:.2%} on PublicTest"
