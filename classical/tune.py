"""Search a model's hyperparameters with Optuna and write the recipe that ``classical.train`` uses.

Each trial fits on Training, or on some of its rows, and is judged by accuracy on PublicTest. The study
is kept on disk: the same command goes on where the last one stopped.

    python -m classical.tune svm --data fer2013.csv.xz --trials 20 --rows 10000
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

import tuning
from classical.task import Task
from classical.train import MODELS, RECIPES, read_recipe, task_for
from data import fer2013
from errors import InputError, run
from tuning import Space

if TYPE_CHECKING:
    import optuna

_TREES: Space = {
    "class_weight_power": ("float", {"low": 0.0, "high": 0.7}),
    "parameters.learning_rate": ("float", {"low": 0.03, "high": 0.2, "log": True}),
}
SPACES: dict[str, Space] = {
    "lightgbm": {
        **_TREES,
        "parameters.num_leaves": ("int", {"low": 8, "high": 63, "log": True}),
        "parameters.feature_fraction": ("float", {"low": 0.02, "high": 0.3, "log": True}),
        "parameters.min_data_in_leaf": ("int", {"low": 10, "high": 200, "log": True}),
        "parameters.lambda_l2": ("float", {"low": 0.01, "high": 30.0, "log": True}),
    },
    "xgboost": {
        **_TREES,
        "parameters.max_depth": ("int", {"low": 3, "high": 7}),
        "parameters.colsample_bytree": ("float", {"low": 0.02, "high": 0.3, "log": True}),
        "parameters.min_child_weight": ("float", {"low": 1.0, "high": 30.0, "log": True}),
        "parameters.lambda": ("float", {"low": 0.1, "high": 30.0, "log": True}),
    },
    "svm": {
        "gamma": ("float", {"low": 0.5, "high": 4.0, "log": True}),
        "ridge": ("float", {"low": 0.01, "high": 1.0, "log": True}),
        "class_weight_power": ("float", {"low": 0.0, "high": 0.7}),
    },
}


def search(name: str, task: Task, recipe: dict[str, Any], trials: int, storage: str) -> optuna.Study:
    """Run trials of a model on a task until the study has that many."""
    space = SPACES[name]

    def objective(trial: optuna.Trial) -> float:
        fit = tuning.draw(trial, recipe["fit"], space)
        fitted = MODELS[name](task, fit)
        trial.set_user_attr("fit", fit)
        trial.set_user_attr("notes", fitted.notes)
        return float((fitted.scores(task.held_out_features).argmax(axis=1) == task.held_out_labels).mean())

    study_name = f"{name}-{len(task.labels)}-rows"
    return tuning.search(study_name, storage, objective, tuning.present(recipe["fit"], space), trials, task.seed)


def subset(task: Task, rows: int | None) -> Task:
    """A task on the first rows of Training after a seeded shuffle."""
    if rows is None or rows >= len(task.labels):
        return task
    chosen = np.sort(np.random.default_rng(task.seed).permutation(len(task.labels))[:rows])
    return dataclasses.replace(task, features=task.features[chosen], labels=task.labels[chosen])


@click.command(epilog="Example: python -m classical.tune svm --data fer2013.csv.xz --trials 20 --rows 10000")
@click.argument("name", type=click.Choice(list(MODELS)))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="FER2013, as a CSV or a folder.")
@click.option(
    "--recipe", type=click.Path(path_type=Path), help="Where to start; by default classical/recipes/NAME.json."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where the chosen recipe goes; by default where it came from."
)
@click.option(
    "--trials", default=20, show_default=True, type=click.IntRange(1), help="Whole trials the study shall have."
)
@click.option("--rows", type=click.IntRange(100), help="Fit on so many rows of Training; by default on all.")
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1))
def main(
    name: str, data: Path, recipe: Path | None, out: Path | None, trials: int, rows: int | None, seed: int, threads: int
) -> None:
    """Search the hyperparameters of NAME; judged by accuracy on PublicTest."""
    path = recipe or RECIPES / f"{name}.json"
    chosen = read_recipe(path)
    loaded = fer2013.load(data)
    task = subset(task_for(loaded, chosen, seed, threads), rows)
    storage = f"sqlite:///{fer2013.CACHE / 'tuning.db'}"
    try:
        study = search(name, task, chosen, trials, storage)
    except ValueError as error:
        raise InputError(path, "a recipe that the search space fits", str(error)) from error
    best = study.best_trial
    chosen["fit"] = best.user_attrs["fit"]
    chosen["tuning"] = {"trials": len(study.trials), "rows": len(task.labels), "accuracy_on_PublicTest": best.value}
    (out or path).write_text(json.dumps(chosen, indent=1) + "\n")
    click.echo(f"{out or path}: trial {best.number} of {len(study.trials)}, accuracy {best.value:.2%} on PublicTest")


if __name__ == "__main__":
    run(main)
