"""Search a network's hyperparameters and width with Optuna, and write the recipe that training uses.

Each trial trains some epochs on some rows of Training; its value is its best accuracy on PublicTest. A trial that
falls behind the others is pruned. The study is stored on disk: the same command continues it.

    facial-emotion tune cnn --data fer2013.csv.xz --trials 20 --rows 8000 --epochs 8
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import paths, tuning
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.deep import backend, loop
from facial_emotion.deep.checkpoint import History, Identity
from facial_emotion.deep.loop import Rows
from facial_emotion.deep.recipe import Recipe, from_dict, read
from facial_emotion.deep.train import check_image_sizes, load_split, network_module
from facial_emotion.errors import InputError
from facial_emotion.tuning import Space

if TYPE_CHECKING:
    import optuna

# What all networks have in common; the rest of the search space is ``SPACE`` of the network's module.
COMMON: Space = {
    "optimiser.weight_decay": ("float", {"low": 1e-4, "high": 3e-2, "log": True}),
    "augment.erasing": ("float", {"low": 0.0, "high": 0.5}),
    "augment.mixup": ("float", {"low": 0.0, "high": 0.4}),
    "heads.fer2013.label_smoothing": ("float", {"low": 0.0, "high": 0.2}),
    "heads.fer2013.class_weight_power": ("float", {"low": 0.0, "high": 0.5}),
}


def space(name: str) -> Space:
    """The search space of a network."""
    return {**COMMON, **network_module(name).SPACE}


def shortened(recipe: Recipe, epochs: int, image_size: int) -> Recipe:
    """A recipe at one image size whose stages are shortened in proportion to ``epochs`` in total, at least one each."""
    total = sum(stage.epochs for stage in recipe.stages)
    stages = [
        dataclasses.replace(stage, epochs=max(1, round(stage.epochs * epochs / total))) for stage in recipe.stages
    ]
    mixup_until = round(recipe.mixup_until * (sum(stage.epochs for stage in stages) / total))
    return dataclasses.replace(recipe, stages=tuple(stages), image_sizes=((0, image_size),), mixup_until=mixup_until)


def search(
    name: str,
    training: Rows,
    held_out: Rows,
    recipe: Recipe,
    trials: int,
    seed: int,
    folder: Path,
    weights: Path | None = None,
) -> optuna.Study:
    """Run trials of a network until the study has that many finished or pruned ones.

    Each trial's recipe is in its user attribute "recipe". folder: for checkpoints, removed after each trial.
    """
    import keras
    import optuna

    settings = recipe.to_dict()

    def objective(trial: optuna.Trial) -> float:
        drawn = tuning.suggest_recipe(trial, settings, space(name))
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        model = network_module(name).build(drawn["network"], len(drawn["heads"]))
        network_module(name).init_weights(model, weights, list(recipe.heads))
        trial.set_user_attr("recipe", drawn)

        def report(history: History) -> None:
            trial.report(history[-1]["held_out_accuracy"], len(history))
            if trial.should_prune():
                raise optuna.TrialPruned

        identity = Identity(name, from_dict(drawn, f"trial {trial.number}"), data_hash="", seed=seed)
        try:
            history = loop.fit(model, identity, lambda epoch: training, held_out, folder, False, report).history
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return max(figures["held_out_accuracy"] for figures in history)

    return tuning.search(
        f"{name}-{len(training.labels)}-rows-{settings['stages']}",
        f"sqlite:///{paths.CACHE / 'tuning.db'}",
        objective,
        tuning.current_values(settings, space(name)),
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
    image_size: int,
    seed: int,
) -> str:
    """Search from the recipe at ``path`` and write the best one to ``out``; returns a line that summarises it."""

    recipe = read(path)
    backend.configure(recipe.precision)
    check_image_sizes(name, ((0, image_size),))
    all_rows = load_split(data, "Training", {name: head.label_smoothing for name, head in recipe.heads.items()})
    training = all_rows.take(np.sort(np.random.default_rng(seed).permutation(len(all_rows.labels))[:rows]))
    short = shortened(recipe, epochs, image_size)
    try:
        tuning.current_values(short.to_dict(), space(name))
    except (KeyError, IndexError, TypeError) as error:
        raise InputError(path, "a recipe that the search space fits", repr(error)) from error
    held_out, scratch = load_split(data, "PublicTest", dict.fromkeys(recipe.heads, 0.0)), paths.CACHE / "tuning" / name
    study = search(name, training, held_out, short, trials, seed, scratch, weights)
    notes = {"trials": len(study.trials), "rows": len(training.labels), "epochs": epochs, "image_size": image_size}
    notes["stopped_early"] = sum(trial.state.name == "PRUNED" for trial in study.trials)
    best = from_dict(study.best_trial.user_attrs["recipe"], f"trial {study.best_trial.number}")
    tuned = dataclasses.replace(
        best,
        stages=tuple(
            dataclasses.replace(stage, learning_rate=tuned_stage.learning_rate)
            for stage, tuned_stage in zip(recipe.stages, best.stages, strict=True)
        ),
        image_sizes=recipe.image_sizes,
        mixup_until=recipe.mixup_until,
        tuning={**notes, "accuracy_on_PublicTest": study.best_value},
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(tuned.to_dict(), indent=1) + "\n")
    return f"{out}: trial {study.best_trial.number}, accuracy {study.best_value:.2%} on PublicTest"
