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

from classical.task import Task
from classical.train import MODELS, RECIPES, read_recipe, task_for
from data import fer2013
from errors import InputError, run

if TYPE_CHECKING:
    import optuna

# For each key of a recipe's "fit", in dots: how Optuna draws it.
Space = dict[str, tuple[str, dict[str, Any]]]
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


def draw(trial: optuna.Trial, fit: dict[str, Any], space: Space) -> dict[str, Any]:
    """A copy of a recipe's "fit" with the space's keys drawn by a trial."""
    drawn = json.loads(json.dumps(fit))
    for key, (kind, limits) in space.items():
        *path, last = key.split(".")
        place = drawn
        for name in path:
            place = place[name]
        place[last] = getattr(trial, f"suggest_{kind}")(key, **limits)
    return drawn


def search(name: str, task: Task, recipe: dict[str, Any], trials: int, storage: str) -> optuna.Study:
    """Run trials until the study has that many whole ones; it goes on from what ``storage`` holds."""
    import optuna

    study_name = f"{name}-{len(task.labels)}-rows"
    sampler = optuna.samplers.TPESampler(seed=task.seed)
    study = optuna.create_study(
        study_name=study_name, storage=storage, sampler=sampler, direction="maximize", load_if_exists=True
    )
    if not study.trials:
        study.enqueue_trial(present(recipe["fit"], SPACES[name]))

    def objective(trial: optuna.Trial) -> float:
        fit = draw(trial, recipe["fit"], SPACES[name])
        fitted = MODELS[name](task, fit)
        trial.set_user_attr("fit", fit)
        trial.set_user_attr("notes", fitted.notes)
        return float((fitted.scores(task.held_out_features).argmax(axis=1) == task.held_out_labels).mean())

    done = sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials)
    study.optimize(objective, n_trials=max(0, trials - done))
    return study


def subset(task: Task, rows: int | None) -> Task:
    """A task on the first rows of Training after a seeded shuffle."""
    if rows is None or rows >= len(task.labels):
        return task
    chosen = np.sort(np.random.default_rng(task.seed).permutation(len(task.labels))[:rows])
    return dataclasses.replace(task, features=task.features[chosen], labels=task.labels[chosen])


def present(fit: dict[str, Any], space: Space) -> dict[str, Any]:
    """What the recipe has now, as a first trial."""
    found = {}
    for key in space:
        value: Any = fit
        for name in key.split("."):
            value = value[name]
        found[key] = value
    return found


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
