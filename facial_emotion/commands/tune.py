"""Search hyperparameters and write the recipe that training uses: one subcommand for each model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from facial_emotion import registry
from facial_emotion.classical import models
from facial_emotion.commands import options
from facial_emotion.deep import networks

_PATH = options.Place()
_EXAMPLE = "Example: facial-emotion tune {} --data fer2013.csv.xz --trials 20 --rows 10000"


def _number(name: str, default: int, text: str, least: int = 1, most: int | None = None) -> options.Option:
    return click.option(name, default=default, show_default=True, type=click.IntRange(least, most), help=text)


_OF_ALL: tuple[options.Option, ...] = (
    options.training_data,
    options.ask,
    click.option("--recipe", type=_PATH, help="Where to start: JSON with what differs from the model's own recipe."),
    click.option("--out", type=_PATH, help="Where the best recipe goes; by default results/NAME.json."),
    _number("--trials", 20, "Stop at so many trials, those of earlier runs included."),
    options.seed,
)
_OF_CLASSICAL = (
    click.option("--rows", type=click.IntRange(100), help="Fit on so many rows of Training; by default on all."),
    options.threads,
)
_OF_NETWORKS = (
    click.option("--weights", type=_PATH, help="Initial weights, as for facial-emotion train."),
    _number("--rows", 8000, "Rows of Training to fit on.", 64),
    _number("--epochs", 8, "Epochs of a trial."),
    _number("--side", 32, "Side of the crops in pixels.", 32, 48),
)


@click.group(epilog="Example: facial-emotion tune svm --data fer2013.csv.xz --trials 20")
def main() -> None:
    """Search a model's hyperparameters with Optuna, judged by accuracy on PublicTest."""


def search(
    name: str,
    data: Path,
    ask: tuple[str, ...],
    recipe: Path | None,
    out: Path | None,
    trials: int,
    rows: int | None,
    **given: Any,
) -> None:
    """Search hyperparameters; the same command goes on where the last one stopped. A network's teacher is left out."""
    from facial_emotion import paths
    from facial_emotion.training.job import Job, recipe_of
    from facial_emotion.training.tune import Limits, tune

    sizes = {key: given.pop(key) for key in ("epochs", "side") if key in given}
    job = Job(name, recipe_of(name, recipe), options.read_data(data, ask), **given)
    place = out or paths.NEW_RESULTS / f"{name}.json"
    click.echo(tune(job, recipe or f"{name}.json", place, trials, Limits(rows, **sizes)))
    words = " ".join(["", *(f"--ask {shlex.quote(word)}" for word in ask)])
    click.echo(f"to train by it: facial-emotion train {name} --recipe {place} --data {data}{words}")


for _name in registry.names(models):
    options.add(
        main, _name, (*_OF_ALL, *_OF_CLASSICAL), search, _EXAMPLE.format(_name), f"The classical model {_name}."
    )
for _name in registry.names(networks):
    options.add(main, _name, (*_OF_ALL, *_OF_NETWORKS), search, _EXAMPLE.format(_name), f"The network {_name}.")
