"""Search a model's hyperparameters with Optuna, and write the recipe that training uses.

A trial fits by a drawn recipe; its value is its best accuracy on PublicTest. A trial that falls behind the others is
stopped. The study is stored on disk: the same command continues it.

    facial-emotion tune cnn --data fer2013.csv.xz --trials 20 --rows 8000 --epochs 8
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facial_emotion import paths
from facial_emotion.errors import InputError
from facial_emotion.records import Json, to_json
from facial_emotion.training.job import Job, own_recipe, recipe_of
from facial_emotion.training.recipe import checked, difference

if TYPE_CHECKING:
    import optuna

# A search space. Key: dotted path into a recipe, with numbers as list indices; value: the distribution, as the suffix
# of Optuna's ``Trial.suggest_…`` method, and that method's keyword arguments.
Space = dict[str, tuple[str, Json]]
Report = Callable[[float, int], None]  # of the accuracy after an epoch, by which a trial may be stopped


@dataclass(frozen=True)
class Limits:
    """What a trial may cost. rows: of Training to fit on, None for all; epochs and side: of networks alone."""

    rows: int | None = None
    epochs: int = 8
    side: int = 32


def suggested(trial: optuna.Trial, settings: Any, space: Space) -> Any:
    """A copy of a recipe's settings in which the trial's suggestions replace the values of the search space."""
    drawn = json.loads(json.dumps(settings))
    for key, (kind, limits) in space.items():
        *path, last = _steps(key)
        parent = drawn
        for step in path:
            parent = parent[step]
        parent[last] = getattr(trial, f"suggest_{kind}")(key, **limits)
    return drawn


def current_values(recipe: Any, space: Space) -> Json:
    """The recipe's own values of the search space, by key; evaluated as the first trial."""
    settings, values = dataclasses.asdict(recipe), {}
    for key in space:
        value: Any = settings
        for step in _steps(key):
            value = value[step]
        values[key] = value
    return values


def _steps(key: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in key.split(".")]


def tune(job: Job, place: object, out: Path, trials: int, limits: Limits) -> str:
    """Search from the job's recipe until there are so many trials, and write the best recipe.

    The file has the settings that differ from the model's own recipe, which it can't replace. place: where the recipe
    was read, for errors. Returns a line that summarises the search.
    """
    own, space = dataclasses.asdict(recipe_of(job.model)), job.track.space(job.model)
    if out.resolve() == own_recipe(job.model).resolve():
        raise InputError(out, "another file than the model's own recipe", "that", "choose another --out")
    try:
        first = current_values(job.recipe, space)
    except (KeyError, IndexError, TypeError) as error:
        raise InputError(place, "a recipe that the search space fits", repr(error)) from error
    for key, value in first.items():
        if not isinstance(value, int | float):
            raise InputError(place, f"a number {key!r} to begin with", json.dumps(value))
    score, notes = job.track.trials(job, limits)

    def objective(trial: optuna.Trial) -> float:
        import optuna

        drawn = suggested(trial, dataclasses.asdict(job.recipe), space)
        recipe = checked(type(job.recipe), drawn, f"trial {trial.number}")
        trial.set_user_attr("recipe", to_json(recipe))

        def report(accuracy: float, epoch: int) -> None:
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        return score(recipe, report)

    begun = hashlib.sha256(json.dumps([to_json(job.recipe), job.data.hash]).encode()).hexdigest()[:12]
    study = _search(f"{job.model}-{begun}-{notes}", objective, first, trials, job.seed)
    best, stopped = study.best_trial, sum(trial.state.name == "PRUNED" for trial in study.trials)
    found = {"trials": len(study.trials), **notes, "stopped_early": stopped, "accuracy_on_PublicTest": best.value}
    recipe = checked(type(job.recipe), best.user_attrs["recipe"], f"trial {best.number}")
    out.parent.mkdir(parents=True, exist_ok=True)
    settings = difference({**own, "tuning": None}, {**dataclasses.asdict(recipe), "tuning": found})
    out.write_text(json.dumps(settings, indent=1) + "\n")
    return f"{out}: trial {best.number} of {len(study.trials)}, accuracy {best.value:.2%} on PublicTest"


def _search(name: str, objective: Callable[[optuna.Trial], float], first: Json, trials: int, seed: int) -> optuna.Study:
    """Run or resume a study until it has so many complete or pruned trials. first: the values of the first one."""
    import optuna

    study = optuna.create_study(
        study_name=name,
        storage=f"sqlite:///{paths.CACHE / 'tuning.db'}",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
        direction="maximize",
        load_if_exists=True,
    )
    if not study.trials:
        study.enqueue_trial(first)
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    done = sum(trial.state in states for trial in study.trials)
    study.optimize(objective, n_trials=max(0, trials - done))
    return study
