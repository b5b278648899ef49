"""Train a model and write it to ./artifacts or --out: a subcommand for each model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facial_emotion import registry
from facial_emotion.classical import models
from facial_emotion.commands import options, run
from facial_emotion.deep import networks
from facial_emotion.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from facial_emotion.records import Card

_PATH = options.Place()


@click.group(epilog="Example: facial-emotion train lightgbm --data fer2013.csv.xz --out artifacts/my-lightgbm")
def main() -> None:
    """Train a model, calibrate it, score it and write it to ./artifacts or --out."""


def classical_command(name: str) -> click.Command:
    """The command that trains a classical model."""

    @click.command(name, epilog=f"Example: facial-emotion train {name} --data fer2013.csv.xz --out artifacts/my-{name}")
    @options.data
    @click.option("--recipe", type=_PATH, help=f"JSON; by default classical/recipes/{name}.json.")
    @click.option(
        "--out", type=_PATH, help=f"Artifact folder; by default artifacts/{name}, which --overwrite replaces."
    )
    @options.overwrite
    @options.seed
    @options.threads
    @click.option("--rounds", type=click.IntRange(1), help="Fixed number of boosting rounds, without early stopping.")
    @click.option("--cluster", help='A Dask scheduler, as tcp://host:8786, or "local": as many workers as --threads.')
    def command(
        data: Path,
        recipe: Path | None,
        out: Path | None,
        overwrite: bool,
        seed: int,
        threads: int,
        rounds: int | None,
        cluster: str | None,
    ) -> None:
        """Fit on Training, calibrate on PublicTest, export to ONNX and write the artifact.

        On a cluster the workers extract the features and boost the trees, for a fixed number of rounds: the recipe's,
        or those of --rounds. The LS-SVM is fitted on this machine, with features that the workers extracted.
        """
        from contextlib import nullcontext

        from facial_emotion.classical.train import RECIPES, read_recipe, train, with_rounds
        from facial_emotion.cluster import connect
        from facial_emotion.data import fer2013

        settings = read_recipe(recipe or RECIPES / f"{name}.json")
        folder = _destination(out, name, overwrite, settings.heads)
        dataset = fer2013.load(data)
        if rounds or cluster:
            settings = with_rounds(settings, rounds)
        with connect(cluster, threads) if cluster else nullcontext() as client:
            cards = train(name, dataset, settings, folder, seed, threads, client, _words(name, recipe))
        parity = (cards[0].parity or {})["largest_difference"]
        _print_result(cards, folder, f"{cards[0].training['minutes']} minutes, parity {parity:.1e}")

    command.short_help = f"The classical model {name}."
    return command


def deep_command(name: str) -> click.Command:
    """The command that trains a network."""

    @click.command(name, epilog=f"Example: facial-emotion train {name} --data fer2013.csv --out my/{name} --resume")
    @options.data
    @click.option("--recipe", type=_PATH, help=f"JSON; by default deep/recipes/{name}.json.")
    @click.option(
        "--weights",
        type=_PATH,
        help="Initial weights: weights.npz of an earlier training; for vgg16, a .weights.h5 of "
        "VGG16(include_top=False) on ImageNet, by default downloaded; for dlib-resnet, an .npz of the arrays of dlib's "
        "face-recognition network.",
    )
    @click.option("--resume", is_flag=True, help="Go on from the last checkpoint, if any; export what is finished.")
    @click.option("--checkpoints", type=_PATH, help="Folder; by default one in the user's cache (FER_CACHE).")
    @click.option(
        "--out", type=_PATH, help=f"Artifact folder; by default artifacts/{name}, which --overwrite replaces."
    )
    @options.overwrite
    @click.option("--keep-weights", is_flag=True, help="Write weights.npz too, for --weights of a later training.")
    @options.labels("Write only the recognizer of the head with these labels.")
    @options.seed
    def command(
        data: Path,
        recipe: Path | None,
        weights: Path | None,
        resume: bool,
        checkpoints: Path | None,
        out: Path | None,
        overwrite: bool,
        keep_weights: bool,
        labels: str | None,
        seed: int,
    ) -> None:
        """Train the network, export it to ONNX and write the artifact. Ctrl-C saves; --resume goes on."""
        from facial_emotion import paths
        from facial_emotion.data import fer2013
        from facial_emotion.deep import train
        from facial_emotion.deep.recipe import RECIPES, read

        settings = read(recipe or RECIPES / f"{name}.json")
        place = checkpoints or paths.checkpoints(name)
        folder = _destination(out, name, overwrite, () if labels else tuple(settings.heads))
        job = train.Job(name, settings, seed, weights, _words(name, recipe, weights, labels), keep_weights, labels)
        cards = train.run(job, fer2013.load(data), place, folder, resume)
        _print_result(cards, folder, f"{cards[0].training['minutes']} minutes, {cards[0].variant}")

    command.short_help = f"The network {name}: hours on a CPU."
    return command


@main.command(
    epilog="Example: facial-emotion train ensemble mine --data fer2013.csv.xz --members cnn,vgg16,svm --mirrored"
)
@click.argument("name", required=False)
@options.data
@click.option("--members", help="Names, with commas; by default every single model that answers with the labels.")
@click.option("--mirrored", is_flag=True, help="Average a member over a crop and its mirror image.")
@options.labels("Labels that the weights are chosen by.", default="fer2013", show_default=True)
@options.overwrite
def ensemble(name: str | None, data: Path, members: str | None, mirrored: bool, labels: str, overwrite: bool) -> None:
    """Combine trained models into the recognizer NAME, by default "ensemble" or, by people's votes, "ensemble-ferplus".

    The weights are chosen on PublicTest. The ensemble is written beside its members: into ./artifacts, or the folder
    that FER_ARTIFACTS names.
    """
    from facial_emotion import artifact, paths, recognizers
    from facial_emotion import ensemble as module
    from facial_emotion.data import fer2013

    single = [other for other in recognizers.names() if not recognizers.card(other).members]
    name = name or f"ensemble{artifact.SUFFIXES[labels]}"
    chosen = options.split_names(members) or [each for each in single if recognizers.card(each).labels == labels]
    if not chosen:
        raise InputError("artifacts/", f"a trained model that answers with the labels {labels}", "none")
    for member in chosen:
        if member not in single:
            raise InputError(
                "--members", f"some of {', '.join(single) or 'none: nothing is trained yet'}", repr(member)
            )
    if name in single:
        raise InputError("name", "one that no trained model has", repr(name))
    if paths.NEW_ARTIFACTS.resolve() != paths.ARTIFACTS.resolve():
        raise InputError(
            "train ensemble", "FER_ARTIFACTS, the folder of its members", "none", "the ensemble goes there"
        )
    artifact.check_free(paths.ARTIFACTS / name, overwrite)
    words = [name, *(["--members", ",".join(chosen)] if members else []), *(["--mirrored"] if mirrored else [])]
    words += ["--labels", labels] if labels != "fer2013" else []
    command = " ".join(["facial-emotion train ensemble", *words])
    card = module.make(chosen, mirrored, fer2013.load(data), paths.ARTIFACTS, command, labels)
    artifact.write(paths.ARTIFACTS / name, None, card)
    for part in card.members:
        click.echo(f"{part.name}{' mirrored' * part.mirrored}: weight {part.weight:.3f}")
    _print_scores(card)
    click.echo(str(paths.ARTIFACTS / name))


@main.command(epilog="Example: facial-emotion train scores --data fer2013.csv.xz cnn svm")
@click.argument("names", nargs=-1, required=True)
@options.data
def scores(names: tuple[str, ...], data: Path) -> None:
    """Score the trained models NAMES again, and write that into their cards.

    Where FER+'s votes lie beside the data (fer2013new.csv), models are scored against them too.
    """
    from dataclasses import replace

    from facial_emotion import artifact, recognizers
    from facial_emotion.data import fer2013
    from facial_emotion.evaluation.evaluate import evaluate

    loaded = [recognizers.load(name) for name in names]
    for recognizer in loaded:
        artifact.check_not_installed(recognizer.folder)
    dataset = fer2013.load(data)
    for recognizer in loaded:

        def ask(split: str, recognizer: recognizers.Recognizer = recognizer) -> np.ndarray:
            return recognizers.predict(recognizer, dataset.split(split).crops, f"{recognizer.name}: {split}")

        threshold, metrics, people = evaluate(dataset, ask, recognizer.card.labels)
        card = replace(recognizer.card, threshold=threshold, metrics=metrics, people=people)
        artifact.write_card(recognizer.folder, card)
        _print_scores(card)


for _name in registry.names(models):
    main.add_command(classical_command(_name))
for _name in registry.names(networks):
    main.add_command(deep_command(_name))


def _destination(out: Path | None, name: str, overwrite: bool, heads: Sequence[str]) -> Path:
    """The folder of a model that is to be trained. Raises InputError where another model would be replaced."""
    from facial_emotion import artifact, paths

    folder = out or paths.NEW_ARTIFACTS / name
    artifact.check_free(folder, overwrite, heads)
    return folder


def _words(name: str, recipe: Path | None, weights: Path | None = None, labels: str | None = None) -> str:
    """The command of a training, for its card, with the options that were given."""
    given = {"recipe": recipe and recipe.name, "weights": weights and weights.name, "labels": labels}
    return " ".join([f"facial-emotion train {name}", *(f"--{key} {value}" for key, value in given.items() if value)])


def _print_result(cards: list[Card], folder: Path, remark: str) -> None:
    """Print scores, where a model was written, and how to use it where models are not looked for there."""
    from facial_emotion import paths

    for card in cards:
        _print_scores(card)
    click.echo(f"{folder}: {remark}")
    if folder.parent.resolve() != paths.ARTIFACTS.resolve():
        click.echo(f"to use it: FER_ARTIFACTS={folder.parent} facial-emotion compare --models {folder.name}")


def _print_scores(card: Card) -> None:
    from facial_emotion.evaluation.scores import in_words

    click.echo(f"{card.name}:")
    for split, figures in card.metrics.items():
        click.echo(f"{split}: {in_words(figures)}")
    for split, people in card.people.items():
        click.echo(f"{split}, people's choice: {in_words(people.choice)}")


if __name__ == "__main__":
    run(main)
