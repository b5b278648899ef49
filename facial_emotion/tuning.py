"""Hyperparameter search with Optuna, shared by the ``tune`` commands of both tracks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna

# A search space. Key: dotted path into a recipe, with numbers as list indices; value: the distribution, as the suffix
# of Optuna's ``Trial.suggest_…`` method, and that method's keyword arguments.
Space = dict[str, tuple[str, dict[str, Any]]]


def suggest_recipe(trial: optuna.Trial, recipe: Any, space: Space) -> Any:
    """A copy of a recipe in which the trial's suggestions replace the values of the search space."""
    suggested = json.loads(json.dumps(recipe))
    for key, (kind, limits) in space.items():
        *path, last = map(_path_step, key.split("."))
        parent = suggested
        for step in path:
            parent = parent[step]
        parent[last] = getattr(trial, f"suggest_{kind}")(key, **limits)
    return suggested


def current_values(recipe: Any, space: Space) -> dict[str, Any]:
    """The recipe's own values of the search space, by key; evaluated as the first trial."""
    values = {}
    for key in space:
        value = recipe
        for step in map(_path_step, key.split(".")):
            value = value[step]
        values[key] = value
    return values


def search(
    study_name: str,
    storage: str,
    objective: Callable[[optuna.Trial], float],
    first: dict[str, Any],
    trials: int,
    seed: int,
    pruner: optuna.pruners.BasePruner | None = None,
) -> optuna.Study:
    """Run or resume a study until it has ``trials`` complete or pruned trials.

    storage: Optuna's storage URL; objective: a trial's accuracy, maximised; first: the values of the first trial.
    """
    import optuna

    study = optuna.create_study(
        study_name=study_name,
        storage=storage,
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=pruner,
        direction="maximize",
        load_if_exists=True,
    )
    if not study.trials:
        study.enqueue_trial(first)
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    done = sum(trial.state in states for trial in study.trials)
    study.optimize(objective, n_trials=max(0, trials - done))
    return study


def _path_step(name: str) -> str | int:
    return int(name) if name.isdigit() else name
