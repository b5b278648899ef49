"""Train a model and write it to ./artifacts or --out: a subcommand for each model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facial_emotion import registry
from facial_emotion.classical import models
from facial_emotion.commands import options
from facial_emotion.deep import networks
from facial_emotion.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from facial_emotion.records import Card
    from facial_emotion.training.job import Job

_PATH = options.Place()


@click.group(epilog="Example: facial-emotion train lightgbm --data fer2013.csv.xz --out artifacts/my-lightgbm")
def main() -> None:
    """Train a model, calibrate it, score it and write it to ./artifacts or --out."""


_OF_ALL: tuple[options.Option, ...] = (options.training_data, options.ask, options.overwrite, options.seed)
_OF_CLASSICAL = (
    options.threads,
    click.option("--rounds", type=click.IntRange(1), help="Fixed number of boosting rounds, without early stopping."),
    click.option("--cluster", help='A Dask scheduler, as tcp://host:8786, or "local": as many workers as --threads.'),
)
_OF_NETWORKS = (
    click.option(
        "--weights",
        type=_PATH,
        help="Initial weights: weights.npz of an earlier training; for vgg16, a .weights.h5 of "
        "VGG16(include_top=False) on ImageNet, by default downloaded; for dlib-resnet, an .npz of the arrays of dlib's "
        "face-recognition network.",
    ),
    click.option("--resume", is_flag=True, help="Go on from the last checkpoint, if any; export what is finished."),
    click.option("--restart", is_flag=True, help="Begin anew where an earlier training left checkpoints."),
    click.option(
        "--checkpoints", type=_PATH, help="Folder; by default one for each --out, in the user's cache (FER_CACHE)."
    ),
    click.option("--keep-weights", is_flag=True, help="Write weights.npz too, for --weights of a later training."),
    options.labels("Write only the recognizer of the head with these labels.", options.HEADS),
)


def classical(
    name: str, data: Path, recipe: Path | None, out: Path | None, rounds: int | None, cluster: str | None, **given: Any
) -> None:
    """Fit on Training, calibrate on PublicTest, export to ONNX and write the artifact.

    On a cluster the workers extract the features and boost the trees, for a fixed number of rounds: the recipe's, or
    those of --rounds. The LS-SVM is fitted on this machine, with features that the workers extracted.
    """
    from contextlib import nullcontext
    from dataclasses import replace

    from facial_emotion.cluster import connect

    job, folder = _job(name, data, recipe, out, **given)
    if rounds and "rounds" not in job.recipe.fit:
        raise InputError("--rounds", "a model that is boosted, lightgbm or xgboost", "one that is not")
    if (rounds or cluster) and "rounds" in job.recipe.fit:
        fit = {**job.recipe.fit, "rounds": rounds or job.recipe.fit["rounds"], "patience": None}
        job = replace(job, recipe=replace(job.recipe, fit=fit))
    with connect(cluster, job.threads) if cluster else nullcontext() as client:
        cards = _run(replace(job, client=client), folder)
    _print_result(cards, folder, f"parity {(cards[0].parity or {})['largest_difference']:.1e}")


def network(
    name: str, data: Path, recipe: Path | None, out: Path | None, checkpoints: Path | None, restart: bool, **given: Any
) -> None:
    """Train the network, export it to ONNX and write the artifact. Ctrl-C saves; --resume goes on."""
    from facial_emotion import paths
    from facial_emotion.deep.loop import LAST

    place = checkpoints or paths.checkpoints(out or paths.NEW_ARTIFACTS / name)
    used = (place / LAST).exists()
    if restart and given["resume"]:
        raise InputError("--restart", "it or --resume", "both")
    if used and not (restart or given["resume"]):
        advice = "go on with --resume, or begin anew with --restart"
        raise InputError(place, "no checkpoints yet", "those of an earlier training", advice)
    if given["resume"] and not used:
        click.echo(f"{place}: no checkpoint to resume from: begins anew")
    job, folder = _job(name, data, recipe, out, checkpoints=place, **given)
    cards = _run(job, folder)
    _print_result(cards, folder, str(cards[0].variant))


def _job(
    name: str, data: Path, recipe: Path | None, out: Path | None, overwrite: bool, **given: Any
) -> tuple[Job, Path]:
    """The training that was asked for, and the folder it goes to. Raises InputError before the data is read."""
    from facial_emotion import artifact, paths
    from facial_emotion.training.job import Job, recipe_of

    settings, folder = recipe_of(name, recipe), out or paths.NEW_ARTIFACTS / name
    ask = given.pop("ask")
    options.asked(ask)  # before the data is read
    weights, labels = given.get("weights"), given.get("labels")
    artifact.check_free(folder, overwrite, () if labels else tuple(settings.heads))
    words = {"recipe": recipe and recipe.name, "weights": weights and weights.name, "labels": labels}
    command = [f"facial-emotion train {name}", *(f"--{key} {value}" for key, value in words.items() if value)]
    command += [f"--ask {words}" for words in ask]
    return Job(name, settings, options.read_data(data, ask), command=" ".join(command), **given), folder


def _run(job: Job, folder: Path) -> list[Card]:
    from facial_emotion.training.job import run as train

    return train(job, folder)


def _add(name: str, track: str, function: Callable[..., None], own: Sequence[options.Option], short_help: str) -> None:
    """Add the command that trains a model."""
    recipe = f"JSON with what differs from {track}/recipes/{name}.json; a list is stated whole."
    place = f"Artifact folder; by default artifacts/{name}, which --overwrite replaces."
    of_model = click.option("--recipe", type=_PATH, help=recipe), click.option("--out", type=_PATH, help=place)
    example = f"Example: facial-emotion train {name} --data fer2013.csv.xz --out artifacts/my-{name}"
    options.add(main, name, (*_OF_ALL, *of_model, *own), function, example, short_help)


@main.command(
    epilog="Example: facial-emotion train ensemble mine --data fer2013.csv.xz --members cnn,vgg16,svm --mirrored"
)
@click.argument("name", required=False)
@options.training_data
@options.ask
@click.option("--members", help="Names, with commas; by default every single model that answers with the labels.")
@click.option("--mirrored", is_flag=True, help="Average a member over a crop and its mirror image.")
@options.labels("Labels that the weights are chosen by.", options.HEADS, default="fer2013", show_default=True)
@options.overwrite
def ensemble(
    name: str | None,
    data: Path,
    ask: tuple[str, ...],
    members: str | None,
    mirrored: bool,
    labels: str,
    overwrite: bool,
) -> None:
    """Combine trained models into the recognizer NAME, by default "ensemble" or, by people's votes, "ensemble-ferplus".

    The weights are chosen on PublicTest. The ensemble is written into ./artifacts, or the first folder that
    FER_ARTIFACTS names; its members stay where they are.
    """
    from facial_emotion import artifact, paths, recognizers
    from facial_emotion import ensemble as module

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
    folder = paths.NEW_ARTIFACTS / name
    artifact.check_free(folder, overwrite)
    words = [name, *(["--members", ",".join(chosen)] if members else []), *(["--mirrored"] if mirrored else [])]
    words += [f"--ask {each}" for each in ask]
    words += ["--labels", labels] if labels != "fer2013" else []
    command = " ".join(["facial-emotion train ensemble", *words])
    card = module.make(chosen, mirrored, options.read_data(data, ask), command, labels)
    artifact.write(folder, None, card)
    for part in card.members:
        click.echo(f"{part.name}{' mirrored' * part.mirrored}: weight {part.weight:.3f}")
    _print_scores(card)
    click.echo(str(folder))


@main.command(epilog="Example: facial-emotion train balanced cnn --data fer2013.csv.xz")
@click.argument("name")
@options.data
@options.overwrite
def balanced(name: str, data: Path, overwrite: bool) -> None:
    """Make NAME-balanced of a recognizer and its twin that answers as people would: rare emotions count as common ones.

    FER+'s votes must lie beside the data. It is written into ./artifacts, or the first folder that FER_ARTIFACTS names.
    """
    from facial_emotion import artifact, balance, paths
    from facial_emotion.data import fer2013

    balance.heads_of(name)
    folder = paths.NEW_ARTIFACTS / f"{name}-balanced"
    artifact.check_free(folder, overwrite)
    command = f"facial-emotion train balanced {name}"
    card = artifact.write(folder, None, balance.make(name, fer2013.load(data), command))
    settings = card.training["balance"]
    click.echo(f"weight of FER2013's labels {settings['mix']}, power of the shares {settings['power']}")
    _print_scores(card)
    click.echo(str(folder))


@main.command(epilog="Example: facial-emotion train scores --data fer2013.csv.xz cnn svm")
@click.argument("names", nargs=-1, required=True)
@options.training_data
@options.ask
def scores(names: tuple[str, ...], data: Path, ask: tuple[str, ...]) -> None:
    """Score the trained models NAMES again, and write that into their cards.

    Where FER+'s votes lie beside the data (fer2013new.csv), models are scored against them too.
    """
    from dataclasses import replace

    from facial_emotion import artifact, recognizers
    from facial_emotion.evaluation.evaluate import evaluate

    loaded = [recognizers.load(name) for name in names]
    for recognizer in loaded:
        artifact.check_not_installed(recognizer.folder)
    dataset = options.read_data(data, ask)
    for recognizer in loaded:

        def answers(split: str, recognizer: recognizers.Recognizer = recognizer) -> np.ndarray:
            return recognizers.predict(recognizer, dataset.split(split).crops, f"{recognizer.name}: {split}")

        card = replace(recognizer.card, **vars(evaluate(dataset, answers, recognizer.card.labels)))
        artifact.write_card(recognizer.folder, card)
        _print_scores(card)


for _name in registry.names(models):
    _add(_name, "classical", classical, _OF_CLASSICAL, f"The classical model {_name}.")
for _name in registry.names(networks):
    _add(_name, "deep", network, _OF_NETWORKS, f"The network {_name}: hours on a CPU.")


def _print_result(cards: list[Card], folder: Path, remark: str) -> None:
    """Print scores, where a model was written, and how to use it where models are not looked for there."""
    from facial_emotion import paths

    for card in cards:
        _print_scores(card)
    click.echo(f"{folder}: {cards[0].training['minutes']} minutes, {remark}")
    if folder.parent.resolve() not in [place.resolve() for place in paths.ARTIFACTS]:
        click.echo(f"to use it: FER_ARTIFACTS={folder.parent} facial-emotion compare --models {folder.name}")


def _print_scores(card: Card) -> None:
    from facial_emotion.evaluation.scores import in_words

    click.echo(f"{card.name}:")
    for split, figures in card.metrics.items():
        click.echo(f"{split}: {in_words(figures)}")
    for split, people in card.people.items():
        click.echo(f"{split}, people's choice: {in_words(people.choice)}")
