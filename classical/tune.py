"""Hyperparameter search for a classical model with Optuna; writes the best recipe.

A trial fits on Training, or on a random subset of it, and is evaluated by accuracy on PublicTest. The study is kept on
disk, so the same command resumes it.

    facial-emotion tune svm --data fer2013.csv.xz --trials 20 --rows 10000
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import paths, tuning
from facial_emotion.classical.task import Task
from facial_emotion.classical.train import Recipe, fit, model_module, read_recipe, task_for
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import to_json
from facial_emotion.tuning import Space

if TYPE_CHECKING:
    import optuna


def search(name: str, task: Task, recipe: Recipe, trials: int, storage: str) -> optuna.Study:
    """Run or resume a model's study on a task until it has ``trials`` trials."""
    space: Space = model_module(name).SPACE

    def objective(trial: optuna.Trial) -> float:
        settings = tuning.suggest_recipe(trial, recipe.fit, space)
        fitted = fit(name, task, settings)
        trial.set_user_attr("fit", settings)
        trial.set_user_attr("notes", fitted.notes)
        return float(
            (fitted.scores(task.held_out_features)[:, : len(EMOTIONS)].argmax(axis=1) == task.held_out_labels).mean()
        )

    study_name = f"{name}-{len(task.labels)}-rows"
    return tuning.search(study_name, storage, objective, tuning.current_values(recipe.fit, space), trials, task.seed)


def subset(task: Task, rows: int | None) -> Task:
    """A task with a random subset of ``rows`` training rows; the task itself if it has no more, or for None."""
    if rows is None or rows >= len(task.labels):
        return task
    chosen = np.sort(np.random.default_rng(task.seed).permutation(len(task.labels))[:rows])
    people = None if task.people is None else task.people[chosen]
    moved = tuple(features[chosen] for features in task.moved)
    return dataclasses.replace(
        task, features=task.features[chosen], labels=task.labels[chosen], people=people, moved=moved
    )


def tune(
    name: str, data: Fer2013, path: Path, out: Path, trials: int, rows: int | None, seed: int, threads: int
) -> str:
    """Search from the recipe at ``path`` and write the best recipe to ``out``; a line that reports it."""
    recipe = read_recipe(path)
    task = subset(task_for(data, recipe, seed, threads), rows)
    try:
        study = search(name, task, recipe, trials, f"sqlite:///{paths.CACHE / 'tuning.db'}")
    except ValueError as error:
        raise InputError(path, "a recipe that the search space fits", str(error)) from error
    best = study.best_trial
    notes = {"trials": len(study.trials), "rows": len(task.labels), "accuracy_on_PublicTest": best.value}
    tuned = dataclasses.replace(recipe, fit=best.user_attrs["fit"], tuning=notes)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(to_json(tuned), indent=1) + "\n")
    return f"{out}: trial {best.number} of {len(study.trials)}, accuracy {best.value:.2%} on PublicTest"
