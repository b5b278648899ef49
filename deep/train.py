"""Train a network on Training, select its epoch on PublicTest, export it to ONNX and write it to artifacts/.

facial-emotion train cnn --data fer2013.csv.xz
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion import artifact, registry
from facial_emotion.data import fer2013
from facial_emotion.deep import backend, distillation, export, log, loop, networks, variants
from facial_emotion.deep.checkpoint import History, Identity, Progress
from facial_emotion.deep.loop import LAST, Rows
from facial_emotion.deep.recipe import IMAGE_SIZE, Recipe
from facial_emotion.errors import InputError
from facial_emotion.evaluation import calibration
from facial_emotion.evaluation.evaluate import choices, targets
from facial_emotion.evaluation.finish import Exported, finish
from facial_emotion.evaluation.results import installed_versions
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Card

if TYPE_CHECKING:
    import keras

WEIGHTS = "weights.npz"
_LIBRARIES = (
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "numpy",
    "opencv-python-headless",
    "tf2onnx",
    "onnx",
    "onnxruntime",
)


@dataclass(frozen=True)
class Job:
    """A training to be done. network: its name; weights: the file of initial weights, if any.

    command: as it was given, for the card; keep_weights: whether the artifact has the trained weights too; labels: of
    the one head that becomes a recognizer, where it is not all.
    """

    network: str
    recipe: Recipe
    seed: int = 0
    weights: Path | None = None
    command: str = ""
    keep_weights: bool = False
    labels: str | None = None


def network_module(name: str) -> ModuleType:
    """The module of a network. Raises InputError where it lacks something."""
    return registry.module(networks, name)


def load_split(data: fer2013.Fer2013, split: str, heads: Mapping[str, float]) -> Rows:
    """A split with the targets and labels of each head; heads: their label smoothing by name (``recipe.HEADS``)."""

    smoothed = []
    for head, smoothing in heads.items():
        shares = targets(data, split, head)
        smoothed.append((1 - smoothing) * shares + smoothing * shares.mean(axis=1, keepdims=True))
    labels = [choices(data, split, head) for head in heads]
    return Rows(data.split(split).crops, np.stack(smoothed, axis=1).astype(np.float32), np.stack(labels, axis=1))


def initial_weights(weights: Path | None) -> dict[str, Any] | None:
    """A description of initial weights for the card: "file", "sha256" and, if a card lists the file, its "training"."""

    if weights is None or not weights.is_file():  # init_weights() raises the error
        return None
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    description: dict[str, Any] = {"file": weights.name, "sha256": digest}
    if (weights.parent / artifact.CARD).is_file():
        card = artifact.read_card(weights.parent)
        listed = card.files.get(weights.name)
        if listed is not None and listed.sha256 == digest:
            description["training"] = card.training
    return description


def _same(training: Rows, epoch: int) -> Rows:
    return training


def check_image_sizes(network: str, image_sizes: Sequence[tuple[int, int]]) -> None:
    """Raise InputError where a network is not built for the sizes of a recipe's crops."""
    sizes = getattr(network_module(network), "IMAGE_SIZES", None)
    for _, size in image_sizes:
        if sizes and size not in sizes:
            raise InputError(
                network, f"crops of {' or '.join(map(str, sizes))} pixels", str(size), "set image_sizes or --side"
            )


def train(job: Job, data: fer2013.Fer2013, folder: Path, resume: bool = False) -> tuple[keras.Model, Progress]:
    """Train a network; returns it with the averaged weights of its best epoch, and the progress with all figures.

    Checkpoints, a log and learning curves are written to ``folder``; ``resume`` goes on from the last checkpoint,
    which must be of the same job, and begins where there is none.
    """
    recipe = job.recipe
    resume = resume and (folder / LAST).exists()
    backend.configure(recipe.precision)
    check_image_sizes(job.network, recipe.image_sizes)
    import keras

    keras.utils.set_random_seed(job.seed)
    model = network_module(job.network).build(recipe.network, len(recipe.heads))
    if not resume:
        network_module(job.network).init_weights(model, job.weights, list(recipe.heads))

    def report(history: History) -> None:
        log.write(history, folder)
        print(log.summary(history), flush=True)

    identity = Identity(job.network, recipe, data.hash, job.seed, initial_weights(job.weights))
    training = load_split(data, "Training", {name: head.label_smoothing for name, head in recipe.heads.items()})
    held_out = load_split(data, "PublicTest", dict.fromkeys(recipe.heads, 0.0))
    rows: Callable[[int], Rows] = functools.partial(_same, training)
    if recipe.teacher:
        if not resume:
            distillation.write_teacher_predictions(recipe.teacher, training.crops, folder)
        predictions = distillation.read_teacher_predictions(folder)
        labels = [info["labels"] for info in distillation.teacher_info(folder)]
        if not set(labels) <= set(recipe.heads) or len(set(labels)) < len(labels):
            expected = f"one with the labels {' or '.join(recipe.heads)}, or one for each"
            raise InputError("teacher", expected, ", ".join(labels))
        heads = [list(recipe.heads).index(name) for name in labels]
        taught = functools.partial(distillation.taught, training, recipe.teacher, predictions, heads)
        rows = functools.lru_cache(maxsize=1)(taught)  # the loop asks for the first epoch's twice
    return model, loop.fit(model, identity, rows, held_out, folder, resume, report)


def export_and_evaluate(
    job: Job,
    model: keras.Model,
    progress: Progress,
    data: fer2013.Fer2013,
    out: Path,
    teacher_info: list[dict[str, Any]] | None = None,
) -> list[Card]:
    """Export a trained network, compress, calibrate and evaluate it, and write the artifact; the cards of its heads.

    teacher_info: of a distillation, as ``distillation.teacher_info`` returns it.
    """

    heads = list(job.recipe.heads)
    training, held_out = (load_split(data, name, dict.fromkeys(heads, 0.0)) for name in ("Training", "PublicTest"))
    build = network_module(job.network).build
    float32_model = backend.in_single_precision(model, lambda: build(job.recipe.network, len(heads)))
    exact = export.to_onnx(float32_model)
    sample = training.take(np.random.default_rng(job.seed).permutation(len(training.crops))[: export.PARITY_ROWS])
    parity = export.compare_with_keras(float32_model, exact, sample.crops, sample.labels)
    variant, compressed, figures = variants.choose(exact, sample.crops, held_out.crops, held_out.labels)
    exported = Exported(
        heads,
        export.run_onnx(compressed, held_out.crops),
        calibration.vector,
        lambda calibrations: export.append_calibrations(compressed, heads, calibrations),
        lambda complete, output, split: export.run_onnx(complete, split.crops, output),
        lambda calibrations, probabilities: parity,
        {WEIGHTS: backend.weights_as_npz(model)} if job.keep_weights else {},
    )
    card = Card(
        name=job.network,
        track="deep",
        input="crops uint8 (n, 48, 48)",
        emotions=list(EMOTIONS),
        training=_training_card(job, model, progress, data, teacher_info),
        calibration="vector scaling, fitted on PublicTest: figures on PublicTest are of the rows it was fitted on",
        variant=variant,
        variants=figures,
        threshold=0.0,
        metrics={},
        licence=network_module(job.network).LICENCE,
        files={},
    )
    return finish(exported, card, data, out, job.labels)


def _training_card(
    job: Job, model: keras.Model, progress: Progress, data: fer2013.Fer2013, teacher_info: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """The part of a card that says how the model was trained."""
    history = progress.history
    final = [figures for figures in history if figures["image_size"] == IMAGE_SIZE]
    return {
        "command": job.command,
        "model": job.network,
        "initial_weights": initial_weights(job.weights),
        "teacher": teacher_info,
        "recipe": job.recipe.to_dict(),
        "epoch": max(final, key=lambda figures: figures["held_out_accuracy"])["epoch"],
        "parameters": model.count_params(),
        "seed": job.seed,
        "data_hash": data.hash,
        "minutes": round(sum(figures["minutes"] for figures in history), 1),
        "device": progress.device,
        "versions": installed_versions(_LIBRARIES),
        "history": [{key: round(value, 4) for key, value in figures.items()} for figures in history],
    }


def run(job: Job, data: fer2013.Fer2013, checkpoints: Path, out: Path, resume: bool = False) -> list[Card]:
    """Train a network and write its artifact; returns the cards of its heads."""

    if job.labels and job.labels not in job.recipe.heads:
        raise InputError("--labels", f"those of a head of the recipe: {', '.join(job.recipe.heads)}", job.labels)

    model, progress = train(job, data, checkpoints, resume)
    info = distillation.teacher_info(checkpoints) if job.recipe.teacher else None
    return export_and_evaluate(job, model, progress, data, out, info)
