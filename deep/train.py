"""The deep track of training: a network trained on Training, its best epoch by PublicTest, and its export to ONNX.

facial-emotion train cnn --data fer2013.csv.xz
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import artifact, paths, registry
from facial_emotion.deep import backend, distillation, export, log, loop, networks, variants
from facial_emotion.deep.checkpoint import History, Identity, Progress
from facial_emotion.deep.loop import BEST, LAST, Rows
from facial_emotion.deep.recipe import IMAGE_SIZE, RECIPES, Recipe
from facial_emotion.errors import InputError
from facial_emotion.evaluation.evaluate import choices, targets
from facial_emotion.records import Json
from facial_emotion.training import calibrate
from facial_emotion.training.finish import Exported
from facial_emotion.training.tune import Limits, Report, Space

if TYPE_CHECKING:
    import keras

    from facial_emotion.data.fer2013 import Fer2013
    from facial_emotion.training.job import Job

__all__ = ["LIBRARIES", "PACKAGE", "RECIPES", "Recipe", "fit", "space", "trials"]
_log = logging.getLogger(__name__)
PACKAGE, WEIGHTS = networks, "weights.npz"
LIBRARIES = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python-headless", "tf2onnx", "onnx", "onnxruntime")
# What the search spaces of all networks have in common; the rest is ``SPACE`` of the network's module.
_COMMON: Space = {
    "optimiser.weight_decay": ("float", {"low": 1e-4, "high": 3e-2, "log": True}),
    "augment.erasing": ("float", {"low": 0.0, "high": 0.5}),
    "augment.mixup": ("float", {"low": 0.0, "high": 0.4}),
    "heads.fer2013.label_smoothing": ("float", {"low": 0.0, "high": 0.2}),
    "heads.fer2013.class_weight_power": ("float", {"low": 0.0, "high": 0.5}),
}


def space(model: str) -> Space:
    """The search space of a network."""
    return {**_COMMON, **registry.module(networks, model).SPACE}


def load_split(data: Fer2013, split: str, heads: Mapping[str, float]) -> Rows:
    """A split with the targets and labels of each head; heads: their label smoothing by name (``recipe.HEADS``)."""
    smoothed = []
    for head, smoothing in heads.items():
        shares = targets(data, split, head)
        smoothed.append((1 - smoothing) * shares + smoothing * shares.mean(axis=1, keepdims=True))
    labels = [choices(data, split, head) for head in heads]
    return Rows(data.split(split).crops, np.stack(smoothed, axis=1).astype(np.float32), np.stack(labels, axis=1))


def training_rows(job: Job) -> Rows:
    """Training, with the recipe's label smoothing."""
    return load_split(job.data, "Training", {name: head.label_smoothing for name, head in job.recipe.heads.items()})


def held_out_rows(job: Job) -> Rows:
    """PublicTest."""
    return load_split(job.data, "PublicTest", dict.fromkeys(job.recipe.heads, 0.0))


def initial_weights(weights: Path | None) -> Json | None:
    """A description of initial weights for the card: "file", "sha256" and, if a card lists the file, its "training"."""
    if weights is None or not weights.is_file():  # init_weights() raises the error
        return None
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    description: Json = {"file": weights.name, "sha256": digest}
    if (weights.parent / artifact.CARD).is_file():
        card = artifact.read_card(weights.parent)
        listed = card.files.get(weights.name)
        if listed is not None and listed.sha256 == digest:
            description["training"] = card.training
    return description


def build(job: Job, recipe: Recipe, sizes: Sequence[int], initialise: bool = True) -> keras.Model:
    """The job's network, with initial weights. Raises InputError where it is not built for crops of these sizes."""
    backend.configure(recipe.precision)
    possible = getattr(job.module, "IMAGE_SIZES", sizes)
    for size in sizes:
        if size not in possible:
            expected = f"crops of {' or '.join(map(str, possible))} pixels"
            raise InputError(job.model, expected, str(size), "set image_sizes or --side")
    import keras

    keras.utils.set_random_seed(job.seed)
    model = job.module.build(recipe.network, len(recipe.heads))
    if initialise:
        job.module.init_weights(model, job.weights, list(recipe.heads))
    return model


def train(job: Job) -> tuple[keras.Model, Progress]:
    """Train a network; returns it with the averaged weights of its best epoch, and the progress with all figures.

    Checkpoints, a log and learning curves are written to the job's folder for them; resuming goes on from the last
    checkpoint, which must be of the same job, and begins where there is none.
    """
    recipe, folder = job.recipe, job.checkpoints
    resume = job.resume and (folder / LAST).exists()
    model = build(job, recipe, [size for _, size in recipe.image_sizes], not resume)

    def report(history: History) -> None:
        log.write(history, folder)
        _log.info(log.summary(history))

    identity = Identity(job.model, recipe, job.data.hash, job.seed, initial_weights(job.weights))
    training = training_rows(job)
    rows: Callable[[int], Rows] = lambda epoch: training  # noqa: E731
    if recipe.teacher:
        if not resume:
            distillation.write_teacher_predictions(recipe.teacher, training.crops, folder)
        taught = distillation.read_lessons(recipe, training, folder)
        rows = functools.lru_cache(maxsize=1)(taught)  # the loop asks for the first epoch's twice
    held_out = held_out_rows(job)
    if not resume:  # what an earlier training left: not sooner, as until here the job may be refused
        for file in (LAST, BEST):
            (folder / file).unlink(missing_ok=True)
    return model, loop.fit(model, identity, rows, held_out, folder, resume, report)


def fit(job: Job) -> Exported:
    """Train the job's network, export it and choose its compressed form."""
    recipe, heads = job.recipe, list(job.recipe.heads)
    model, progress = train(job)
    training, held_out = load_split(job.data, "Training", dict.fromkeys(heads, 0.0)), held_out_rows(job)
    float32_model = backend.in_single_precision(model, lambda: job.module.build(recipe.network, len(heads)))
    exact = export.to_onnx(float32_model)
    sample = training.take(np.random.default_rng(job.seed).permutation(len(training.crops))[: export.PARITY_ROWS])
    parity = export.compare_with_keras(float32_model, exact, sample.crops, sample.labels)
    variant, compressed, figures = variants.choose(exact, sample.crops, held_out.crops, held_out.labels)
    return Exported(
        heads,
        export.run_onnx(compressed, held_out.crops),
        calibrate.vector,
        lambda calibrations: export.append_calibrations(compressed, heads, calibrations),
        lambda complete, output, split: export.run_onnx(complete, split.crops, output),
        lambda calibrations, probabilities: parity,
        card={
            "track": "deep",
            "input": "crops uint8 (n, 48, 48)",
            "calibration": "vector scaling, fitted on PublicTest: figures on PublicTest are of the rows it was fitted "
            "on",
            "variant": variant,
            "variants": figures,
            "licence": job.module.LICENCE,
        },
        training=_history(job, model, progress),
        files={WEIGHTS: backend.weights_as_npz(model)} if job.keep_weights else {},
    )


def _history(job: Job, model: keras.Model, progress: Progress) -> Json:
    """The part of a card that says how the training went."""
    history = progress.history
    final = [figures for figures in history if figures["image_size"] == IMAGE_SIZE]
    return {
        "initial_weights": initial_weights(job.weights),
        "teacher": distillation.teacher_info(job.checkpoints) if job.recipe.teacher else None,
        "epoch": max(final, key=lambda figures: figures["held_out_accuracy"])["epoch"],
        "parameters": model.count_params(),
        "minutes": round(sum(figures["minutes"] for figures in history), 1),
        "device": progress.device,
        "history": [{key: round(value, 4) for key, value in figures.items()} for figures in history],
    }


def shortened(recipe: Recipe, epochs: int, side: int) -> Recipe:
    """A recipe at one image size, without a teacher, whose stages are shortened in proportion to ``epochs`` in total,
    at least one each.
    """
    share = epochs / recipe.epochs
    stages = [dataclasses.replace(stage, epochs=max(1, round(stage.epochs * share))) for stage in recipe.stages]
    mixup_until = round(recipe.mixup_until * sum(stage.epochs for stage in stages) / recipe.epochs)
    return dataclasses.replace(recipe, stages=stages, image_sizes=[[0, side]], mixup_until=mixup_until, teacher=None)


def trials(job: Job, limits: Limits) -> tuple[Callable[[Recipe, Report], float], Json]:
    """A function that trains some epochs on some rows by a recipe and returns the best accuracy on PublicTest, and
    notes on the limits. A recipe's teacher is left out.
    """
    backend.configure(job.recipe.precision)
    import keras

    all_rows, held_out, scratch = training_rows(job), held_out_rows(job), paths.CACHE / "tuning" / job.model
    chosen = np.random.default_rng(job.seed).permutation(len(all_rows.labels))[: limits.rows]
    training = all_rows.take(np.sort(chosen))

    def score(recipe: Recipe, report: Report) -> float:
        short = shortened(recipe, limits.epochs, limits.side)
        keras.backend.clear_session()
        model = build(job, short, [limits.side])
        identity = Identity(job.model, short, data_hash="", seed=job.seed)

        def after_epoch(history: History) -> None:
            report(history[-1]["held_out_accuracy"], len(history))

        try:
            history = loop.fit(model, identity, lambda epoch: training, held_out, scratch, False, after_epoch).history
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return max(figures["held_out_accuracy"] for figures in history)

    return score, {"rows": len(training.labels), "epochs": limits.epochs, "image_size": limits.side}
