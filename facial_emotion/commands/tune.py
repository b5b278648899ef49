"""Search hyperparameters and write the recipe that training uses: one subcommand for each model."""

from __future__ import annotations

from pathlib import Path

import click

from facial_emotion import registry
from facial_emotion.classical import models
from facial_emotion.commands import options, run
from facial_emotion.deep import networks

_PATH = options.Place()


@click.group(epilog="Example: facial-emotion tune svm --data fer2013.csv.xz --trials 20")
def main() -> None:
    """Search a model's hyperparameters with Optuna, judged by accuracy on PublicTest."""


def classical_command(name: str) -> click.Command:
    """The command that tunes a classical model."""

    @click.command(name, epilog=f"Example: facial-emotion tune {name} --data fer2013.csv.xz --trials 20 --rows 10000")
    @options.data
    @click.option("--recipe", type=_PATH, help=f"Where to start; by default classical/recipes/{name}.json.")
    @click.option("--out", type=_PATH, help=f"Where the best recipe goes; by default results/{name}.json.")
    @click.option(
        "--trials",
        default=20,
        show_default=True,
        type=click.IntRange(1),
        help="Stop at so many trials, those of earlier runs included.",
    )
    @click.option("--rows", type=click.IntRange(100), help="Fit on so many rows of Training; by default on all.")
    @options.seed
    @options.threads
    def command(
        data: Path, recipe: Path | None, out: Path | None, trials: int, rows: int | None, seed: int, threads: int
    ) -> None:
        """Search hyperparameters; the same command goes on where the last one stopped."""
        from facial_emotion import paths
        from facial_emotion.classical.train import RECIPES
        from facial_emotion.classical.tune import tune
        from facial_emotion.data import fer2013

        path, place = recipe or RECIPES / f"{name}.json", out or paths.NEW_RESULTS / f"{name}.json"
        click.echo(tune(name, fer2013.load(data), path, place, trials, rows, seed, threads))
        click.echo(f"to train by it: facial-emotion train {name} --recipe {place} --data {data}")

    command.short_help = f"The classical model {name}."
    return command


def deep_command(name: str) -> click.Command:
    """The command that tunes a network."""

    @click.command(
        name, epilog=f"Example: facial-emotion tune {name} --data fer2013.csv.xz --trials 20 --rows 8000 --epochs 8"
    )
    @options.data
    @click.option("--recipe", type=_PATH, help=f"Where to start; by default deep/recipes/{name}.json.")
    @click.option("--out", type=_PATH, help=f"Where the best recipe goes; by default results/{name}.json.")
    @click.option("--weights", type=_PATH, help="Initial weights, as for facial-emotion train.")
    @click.option(
        "--trials",
        default=20,
        show_default=True,
        type=click.IntRange(1),
        help="Stop at so many trials, those of earlier runs included.",
    )
    @click.option(
        "--rows", default=8000, show_default=True, type=click.IntRange(64), help="Rows of Training to fit on."
    )
    @click.option("--epochs", default=8, show_default=True, type=click.IntRange(1), help="Epochs of a trial.")
    @click.option(
        "--side", default=32, show_default=True, type=click.IntRange(32, 48), help="Side of the crops in pixels."
    )
    @options.seed
    def command(
        data: Path,
        recipe: Path | None,
        out: Path | None,
        weights: Path | None,
        trials: int,
        rows: int,
        epochs: int,
        side: int,
        seed: int,
    ) -> None:
        """Search hyperparameters and width on some rows; a recipe's teacher is left out."""
        from facial_emotion import paths
        from facial_emotion.data import fer2013
        from facial_emotion.deep.recipe import RECIPES
        from facial_emotion.deep.tune import tune

        path, place = recipe or RECIPES / f"{name}.json", out or paths.NEW_RESULTS / f"{name}.json"
        click.echo(tune(name, fer2013.load(data), path, place, weights, trials, rows, epochs, side, seed))
        click.echo(f"to train by it: facial-emotion train {name} --recipe {place} --data {data}")

    command.short_help = f"The network {name}."
    return command


for _name in registry.names(models):
    main.add_command(classical_command(_name))
for _name in registry.names(networks):
    main.add_command(deep_command(_name))

if __name__ == "__main__":
    run(main)
