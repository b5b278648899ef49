"""What both tracks' ``tune`` commands share: how a recipe is drawn, and a study that goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna

# For each key of a recipe, in dots, with numbers into lists: how Optuna draws it.
Space = dict[str, tuple[str, dict[str, Any]]]


def draw(trial: optuna.Trial, recipe: Any, space: Space) -> Any:
    """A copy of a recipe with the space's keys drawn by a trial."""
    drawn = json.loads(json.dumps(recipe))
    for key, (kind, limits) in space.items():
        *path, last = map(_step, key.split("."))
        place = drawn
        for step in path:
            place = place[step]
        place[last] = getattr(trial, f"suggest_{kind}")(key, **limits)
    return drawn


def present(recipe: Any, space: Space) -> dict[str, Any]:
    """What the recipe has now, as a first trial."""
    found = {}
    for key in space:
        value = recipe
        for step in map(_step, key.split(".")):
            value = value[step]
        found[key] = value
    return found


def search(
    study_name: str,
    storage: str,
    objective: Callable[[optuna.Trial], float],
    first: dict[str, Any],
    trials: int,
    seed: int,
    pruner: optuna.pruners.BasePruner | None = None,
) -> optuna.Study:
    """Run trials until the study has that many, whole or pruned; it goes on from what ``storage`` holds.

    objective: a trial's accuracy; first: the values that are tried first.
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


def _step(name: str) -> str | int:
    return int(name) if name.isdigit() else name
