"""The training loop: augmented batches in, averaged weights out, a checkpoint after every epoch.

All that is random comes from (seed, epoch, step), so a training that was killed and resumed makes the
same batches, and ends with the same weights, as one that was not.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.deep import augment, checkpoint
from facial_emotion.deep.checkpoint import Progress, arrays_of, assign
from facial_emotion.deep.recipe import SIDE
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.terminal import bar, note

if TYPE_CHECKING:
    import keras

LAST, BEST = "last.npz", "best.npz"
_AVERAGE_EVERY = 4  # steps between two updates of the averaged weights
_BATCH = 256  # crops that are scored at once


@dataclass(frozen=True)
class Rows:
    """Crops uint8 (n, 48, 48), targets float32 (n, 7) that sum to 1, labels (n,)."""

    crops: np.ndarray
    targets: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Stage:
    """Some epochs under one optimiser: those from ``first`` to before ``end``.

    rate: the highest learning rate; depth_rates: by prefix of a layer's name what share of the rate
    it learns at (0: frozen), the longest that fits; all layers else learn at the full rate.
    """

    first: int
    end: int
    rate: float
    depth_rates: dict[str, float]


def stages_of(recipe: dict[str, Any]) -> list[Stage]:
    """The stages of a recipe, one after the other."""
    found, first = [], 0
    for stage in recipe["stages"]:
        found.append(Stage(first, first + stage["epochs"], stage["rate"], stage.get("depth_rates", {})))
        first = found[-1].end
    return found


def side_at(recipe: dict[str, Any], epoch: int) -> int:
    """The side of the crops in an epoch: small faces first, which are cheap (Tan and Le, EfficientNetV2, 2021)."""
    return [side for first, side in recipe["sides"] if epoch >= first][-1]


def fit(
    model: keras.Model,
    recipe: dict[str, Any],
    training: Rows,
    held_out: Rows,
    folder: Path,
    identity: dict[str, Any],
    resume: bool,
    report: Callable[[list[dict[str, float]]], None] = lambda history: None,
) -> list[dict[str, float]]:
    """Train and leave the averaged weights of the best epoch in the model; the figures of every epoch.

    Checkpoints go to ``folder``. Ctrl-C writes one and stops. ``report`` is given the figures after every epoch.
    """
    progress = Progress()
    groups: dict[str, list[np.ndarray]] = {}
    if resume:
        groups, progress = checkpoint.load(folder / LAST, identity)
        _fill(model.variables, groups["model"], folder / LAST)
    average = groups.get("average") or arrays_of(model.variables)
    steps = -(-len(training.crops) // recipe["batch"])
    with _ctrl_c_held() as stopped:
        for stage in stages_of(recipe):
            if progress.epoch >= stage.end:
                continue
            optimiser = _compile(model, recipe, stage, steps)
            if resume and progress.epoch >= stage.first and (progress.epoch, progress.step) != (stage.first, 0):
                _fill(optimiser.variables, groups["optimiser"], folder / LAST)
            keep = functools.partial(_keep, model, optimiser, average, progress, folder / LAST, identity)
            for epoch in range(progress.epoch, stage.end):
                if epoch and side_at(recipe, epoch) != side_at(recipe, epoch - 1):
                    # A backend that has seen two sides computes for any side, and rounds otherwise than for the one.
                    model.make_train_function(force=True)
                    model.make_predict_function(force=True)
                whole = _epoch(model, recipe, stage, training, average, progress, identity["seed"], steps, stopped)
                if whole:
                    best = _close(model, average, held_out, progress, recipe)
                    if best:
                        checkpoint.save(folder / BEST, {"average": average}, progress, identity)
                keep()
                if whole:
                    report(progress.history)
                if stopped():
                    note("saved: go on with --resume")
                    raise KeyboardInterrupt
    _fill(model.variables, checkpoint.load(folder / BEST, identity)[0]["average"], folder / BEST)
    return progress.history


def _epoch(
    model: keras.Model,
    recipe: dict[str, Any],
    stage: Stage,
    training: Rows,
    average: list[np.ndarray],
    progress: Progress,
    seed: int,
    steps: int,
    stopped: Callable[[], bool],
) -> bool:
    """Train on every crop once, or until stopped; whether the epoch is whole."""
    epoch, side = progress.epoch, side_at(recipe, progress.epoch)
    amount = dict(recipe["augment"])
    if epoch >= recipe["mixup_until"]:
        amount["mixup"] = 0.0
    order = np.random.default_rng([seed, epoch]).permutation(len(training.crops))
    weights = class_weights(training, recipe["class_weight_power"])
    name = f"epoch {epoch + 1}/{stages_of(recipe)[-1].end}"
    with bar(name, steps - progress.step) as step_done:
        for step in range(progress.step, steps):
            began = time.monotonic()
            # The last batch is filled up from the first: one shape, for which a backend compiles once.
            rows = order.take(range(step * recipe["batch"], (step + 1) * recipe["batch"]), mode="wrap")
            rng = np.random.default_rng([seed, epoch, step])
            crops, targets = augment.batch(training.crops[rows], training.targets[rows], amount, side, rng)
            loss, accuracy = model.train_on_batch(crops, targets, sample_weight=targets @ weights)
            done = epoch * steps + step + 1
            if done % _AVERAGE_EVERY == 0:
                _average(average, model, recipe["average"], done)
            progress.step = step + 1
            figures = {"loss": loss, "accuracy": accuracy, "steps": 1, "seconds": time.monotonic() - began}
            for key, value in figures.items():
                progress.sums[key] = progress.sums.get(key, 0.0) + float(value)
            means = _means(progress)
            step_done(f"{name} loss {means['loss']:.3f} accuracy {means['accuracy']:.1%}")
            if stopped() and step + 1 < steps:
                return False
    return True


def _close(
    model: keras.Model, average: list[np.ndarray], held_out: Rows, progress: Progress, recipe: dict[str, Any]
) -> bool:
    """Write an epoch that is done into the history, and say whether it is the best so far.

    Epochs on smaller crops than the last ones are none to serve, however good.
    """
    began, side, last_side = time.monotonic(), side_at(recipe, progress.epoch), recipe["sides"][-1][1]
    figures = {**_means(progress), **_judge(model, average, held_out, side), "side": side}
    figures["minutes"] = (progress.sums["seconds"] + time.monotonic() - began) / 60
    before = [past["held_out_accuracy"] for past in progress.history if past["side"] == last_side]
    progress.history.append({"epoch": progress.epoch + 1, **figures})
    progress.epoch, progress.step, progress.sums = progress.epoch + 1, 0, {}
    return side == last_side and figures["held_out_accuracy"] > max(before, default=-1.0)


def _keep(
    model: keras.Model,
    optimiser: keras.Optimizer,
    average: list[np.ndarray],
    progress: Progress,
    path: Path,
    identity: dict[str, Any],
) -> None:
    state = {"model": arrays_of(model.variables), "optimiser": arrays_of(optimiser.variables), "average": average}
    checkpoint.save(path, state, progress, identity)


@contextlib.contextmanager
def _ctrl_c_held() -> Iterator[Callable[[], bool]]:
    """Hold Ctrl-C back, so that nothing is cut in half or swallows it; what this gives says whether it came."""
    if threading.current_thread() is not threading.main_thread():  # only there signals can be held
        yield lambda: False
        return
    came = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: came.set())
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _average(average: list[np.ndarray], model: keras.Model, momentum: float, done: int) -> None:
    """Move the averaged weights towards the present ones (Polyak and Juditsky, 1992), in place; faster at first."""
    kept = min(momentum**_AVERAGE_EVERY, (1 + done) / (40 + done))
    for mean, value in zip(average, arrays_of(model.variables), strict=True):
        if np.issubdtype(mean.dtype, np.floating):
            mean *= kept
            mean += (1 - kept) * value
        else:
            mean[...] = value


def _judge(model: keras.Model, average: list[np.ndarray], held_out: Rows, side: int) -> dict[str, float]:
    """Figures of the averaged weights on PublicTest at a side; the model has its own weights again after."""
    from scipy.special import log_softmax
    from sklearn.metrics import accuracy_score, f1_score

    present = arrays_of(model.variables)
    assign(model.variables, average)
    scores = predict(model, held_out.crops, side)
    assign(model.variables, present)
    predicted = scores.argmax(axis=1)
    loss = -log_softmax(scores, axis=1)[np.arange(len(scores)), held_out.labels].mean()
    return {
        "held_out_loss": float(loss),
        "held_out_accuracy": float(accuracy_score(held_out.labels, predicted)),
        "held_out_macro_f1": float(f1_score(held_out.labels, predicted, average="macro", zero_division=0)),
    }


def predict(model: keras.Model, crops: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Scores float32 (n, 7) of crops uint8 (n, 48, 48), seen at a side: best that which training just saw."""
    parts = np.array_split(crops, -(-len(crops) // _BATCH))
    return np.concatenate([np.asarray(model.predict_on_batch(augment.resize(part, side))) for part in parts])


def class_weights(rows: Rows, power: float) -> np.ndarray:
    """Weights float32 (7,), of mean 1 over the rows: a class weighs as its rarity to a power between 0 and 1."""
    share = np.maximum(rows.targets.mean(axis=0), 1e-6)
    weights = (1 / len(EMOTIONS) / share) ** power
    return (weights / (weights @ share)).astype(np.float32)


def _means(progress: Progress) -> dict[str, float]:
    return {key: progress.sums[key] / progress.sums["steps"] for key in ("loss", "accuracy")}


def _compile(model: keras.Model, recipe: dict[str, Any], stage: Stage, steps: int) -> keras.Optimizer:
    from keras import losses

    from facial_emotion.deep.optimiser import optimiser_for

    for layer in model.layers:
        layer.trainable = share_of(stage.depth_rates, layer.name) > 0
    optimiser = optimiser_for(recipe, stage, steps, model.trainable_variables)
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe["label_smoothing"])
    model.compile(optimiser, loss, metrics=["accuracy"])
    return optimiser


def share_of(depth_rates: dict[str, float], name: str) -> float:
    """The share of the rate that a layer learns at."""
    fitting = [prefix for prefix in depth_rates if name.startswith(prefix)]
    return depth_rates[max(fitting, key=len)] if fitting else 1.0


def _fill(variables: list[keras.Variable], values: list[np.ndarray], path: Path) -> None:
    from facial_emotion.errors import InputError

    wanted, found = [tuple(variable.shape) for variable in variables], [value.shape for value in values]
    if wanted != found:
        raise InputError(path, f"{len(wanted)} arrays of this network's shapes", f"{len(found)} of another")
    assign(variables, values)
