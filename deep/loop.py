"""The training loop: epochs of augmented batches, a moving average of the weights, and checkpoints.

All randomness comes from (seed, epoch, step), so a training that was killed and resumed uses the same batches, and
ends with the same weights, as an uninterrupted one.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.deep import backend, checkpoint, schedule
from facial_emotion.deep.checkpoint import History, Identity, Progress, assign, restore, values
from facial_emotion.deep.jax_epoch import compile_epoch
from facial_emotion.deep.optimiser import build_optimiser
from facial_emotion.deep.recipe import IMAGE_SIZE, Stage
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.terminal import bar, delayed_interrupt, note
from facial_emotion.training import augment

if TYPE_CHECKING:
    import keras

LAST, BEST = "last.npz", "best.npz"
_EMA_INTERVAL = 4  # steps between two updates of the moving average
_INFERENCE_BATCH = 256
# From so many steps on, XLA is worth its compilation for each size of crops: TensorFlow trains faster with it.
_XLA_STEPS = 500


@dataclass(frozen=True)
class Rows:
    """Rows of a data set: crops uint8 (n, 48, 48), targets float32 (n, heads, 7), labels int (n, heads).

    The seven targets of a head sum to the row's weight for this head, 0 to 1; labels are -1 where a head has none.
    """

    crops: np.ndarray
    targets: np.ndarray
    labels: np.ndarray

    def take(self, indices: np.ndarray) -> Rows:
        """The rows with these indices or, from a mask bool (n,), those where it is True."""
        return Rows(self.crops[indices], self.targets[indices], self.labels[indices])


def fit(
    model: keras.Model,
    identity: Identity,
    training: Callable[[int], Rows],
    held_out: Rows,
    folder: Path,
    resume: bool,
    report: Callable[[History], None] = lambda history: None,
) -> Progress:
    """Train a model by the identity's recipe; it ends with the averaged weights of its best epoch.

    training: the rows of an epoch by its number; folder: of the checkpoints; resume: whether to go on from the last
    one; report: called after every epoch. Ctrl-C saves a checkpoint, on JAX at the end of the epoch, and raises
    KeyboardInterrupt. Returns the progress, with the figures of every epoch.
    """
    with delayed_interrupt() as interrupted:
        loop = _Loop(model, identity, training, held_out, folder, interrupted)
        optimiser_state = loop.resume() if resume else None
        loop.progress.device = loop.progress.device or backend.device()
        for first, end, stage in schedule.stages(identity.recipe):
            if loop.progress.epoch >= end:
                continue
            optimiser = loop.compile(stage, end)
            if optimiser_state and (loop.progress.epoch, loop.progress.step) > (first, 0):
                restore(optimiser.variables, optimiser_state, folder / LAST)
            while loop.progress.epoch < end:
                finished = loop.run_epoch()
                if finished:
                    loop.end_epoch()
                stop = interrupted()
                if not finished or stop or loop.progress.epoch == end or loop.time_to_save():
                    loop.save(optimiser)
                if finished:
                    report(loop.progress.history)
                if stop:
                    note("saved: go on with --resume")
                    raise KeyboardInterrupt
    restore(model.variables, checkpoint.load(folder / BEST, identity)[0]["ema"], folder / BEST)
    return loop.progress


@dataclass
class _Loop:
    """The state of a training. ema: the exponential moving average of the model's variables."""

    model: keras.Model
    identity: Identity
    training: Callable[[int], Rows]
    held_out: Rows
    folder: Path
    interrupted: Callable[[], bool]
    progress: Progress = field(default_factory=Progress)
    ema: list[np.ndarray] = field(init=False)
    best: tuple[list[np.ndarray], Progress] | None = None  # the average of the best epoch, until it is saved
    run_compiled: Callable[..., tuple[list[np.ndarray], float, float]] | None = None

    def __post_init__(self) -> None:
        self.recipe = self.identity.recipe
        first = self.training(0)
        self.steps = -(-len(first.crops) // self.recipe.batch)  # of an epoch
        powers = [head.class_weight_power for head in self.recipe.heads.values()]
        self.class_weights = class_weights(first, powers)  # (heads, 7)
        self.ema = values(self.model.variables)
        self.saved, self.saving = time.monotonic(), 0.0  # when it was saved, and how long that took, in seconds

    def resume(self) -> list[np.ndarray]:
        """Restore the last checkpoint, apart from the optimiser; returns the values of the optimiser's variables."""
        groups, self.progress = checkpoint.load(self.folder / LAST, self.identity)
        restore(self.model.variables, groups["model"], self.folder / LAST)
        self.ema = groups["ema"]
        return groups["optimiser"]

    def time_to_save(self) -> bool:
        """Whether a checkpoint now leaves nineteen twentieths of the time to training: epochs may take a second."""
        return time.monotonic() - self.saved > 20 * self.saving

    def save(self, optimiser: keras.Optimizer) -> None:
        """Write the last checkpoint and, where it is new, the best."""
        start = time.monotonic()
        if self.best:
            ema, progress = self.best
            checkpoint.save(self.folder / BEST, {"ema": ema}, progress, self.identity)
            self.best = None
        model = values(self.model.variables)
        groups = {"model": model, "optimiser": values(optimiser.variables), "ema": self.ema}
        checkpoint.save(self.folder / LAST, groups, self.progress, self.identity)
        self.saved = time.monotonic()
        self.saving = self.saved - start

    def compile(self, stage: Stage, end: int) -> keras.Optimizer:
        """Compile the model with the loss and the optimiser of a stage, which ends before an epoch; the optimiser."""
        import keras
        from keras import losses

        for layer in self.model.layers:
            layer.trainable = schedule.lr_multiplier(stage.layer_lr_multipliers, layer.name) > 0
        optimiser = build_optimiser(self.recipe, stage, self.steps, self.model.trainable_variables)
        loss = losses.CategoricalCrossentropy(from_logits=True)  # the mean over rows and heads
        jit = "auto" if end * self.steps < _XLA_STEPS or keras.backend.backend() == "torch" else True
        self.model.compile(optimiser, loss, metrics=["accuracy"], jit_compile=jit)
        # Half precision needs a loss that is scaled, which only Keras's own steps do.
        if keras.backend.backend() == "jax" and self.recipe.precision != "mixed_float16":
            self.run_compiled = compile_epoch(self.model, optimiser, self.class_weights, self.recipe.ema_momentum)
        return optimiser

    def run_epoch(self) -> bool:
        """Train on every crop once; False where an interrupt came before the last step."""
        recipe, progress, epoch = self.recipe, self.progress, self.progress.epoch
        start = time.monotonic()
        training = self.training(epoch)
        size = schedule.image_size(recipe, epoch)
        amount = recipe.augment if epoch < recipe.mixup_until else replace(recipe.augment, mixup=0.0)
        order = np.random.default_rng([self.identity.seed, epoch]).permutation(len(training.crops))
        # The last batch is filled up from the first: with one shape, a backend compiles only once.
        order = np.resize(order, (self.steps, recipe.batch))
        if self.run_compiled:
            if progress.step:
                raise InputError(
                    self.folder / LAST, "a checkpoint at the end of an epoch", "one within", "resume it elsewhere"
                )
            self.ema, loss, accuracy = self.run_compiled(
                self.ema, training.crops, training.targets, order, self.identity.seed, epoch, amount, size
            )
            seconds = time.monotonic() - start
            progress.add({"loss": loss, "accuracy": accuracy, "steps": 1.0, "seconds": seconds})
            return True
        if epoch and size != schedule.image_size(recipe, epoch - 1):
            # A function that has been compiled for two sizes is generalised to any size, and rounds differently.
            self.model.make_train_function(force=True)
            self.model.make_predict_function(force=True)
        name = f"epoch {epoch + 1}/{recipe.epochs}"
        with bar(name, self.steps - progress.step) as step_done:
            for step in range(progress.step, self.steps):
                start = time.monotonic()
                rows, rng = order[step], np.random.default_rng([self.identity.seed, epoch, step])
                crops, targets = augment.augment_batch(training.crops[rows], training.targets[rows], amount, size, rng)
                row_weights = np.einsum("nhc,hc->nh", targets, self.class_weights)
                loss, accuracy = self.model.train_on_batch(crops, distributions(targets), sample_weight=row_weights)
                steps_done = epoch * self.steps + step + 1
                if steps_done % _EMA_INTERVAL == 0:
                    _update_ema(self.ema, self.model, recipe.ema_momentum, steps_done)
                progress.step = step + 1
                seconds = time.monotonic() - start
                progress.add({"loss": float(loss), "accuracy": float(accuracy), "steps": 1.0, "seconds": seconds})
                means = progress.means()
                step_done(f"{name} loss {means['loss']:.3f} accuracy {means['accuracy']:.1%}")
                if self.interrupted() and step + 1 < self.steps:
                    return False
        return True

    def end_epoch(self) -> None:
        """Evaluate a finished epoch and append it to the history; keep its averaged weights if it is the best so far.

        Only epochs on crops of the final size count.
        """
        progress = self.progress
        start, size = time.monotonic(), schedule.image_size(self.recipe, progress.epoch)
        final_size = self.recipe.image_sizes[-1][1]
        figures = {**progress.means(), **self._evaluate_ema(size), "image_size": size}
        figures["minutes"] = (progress.sums["seconds"] + time.monotonic() - start) / 60
        earlier = [past["held_out_accuracy"] for past in progress.history if past["image_size"] == final_size]
        progress.history.append({"epoch": progress.epoch + 1, **figures})
        progress.epoch, progress.step, progress.sums = progress.epoch + 1, 0, {}
        if size == final_size and figures["held_out_accuracy"] > max(earlier, default=-1.0):
            self.best = [mean.copy() for mean in self.ema], copy.deepcopy(progress)

    def _evaluate_ema(self, size: int) -> dict[str, float]:
        """Held-out figures of the averaged weights; the model's own weights are restored."""
        current = values(self.model.variables)
        assign(self.model.variables, self.ema)
        scores = predict(self.model, self.held_out.crops, size)
        assign(self.model.variables, current)
        return evaluate(scores, self.held_out, list(self.recipe.heads))


def _update_ema(ema: list[np.ndarray], model: keras.Model, momentum: float, steps_done: int) -> None:
    """Update the moving average of the weights in place (Polyak and Juditsky, 1992); it follows faster at first."""
    momentum = min(momentum**_EMA_INTERVAL, (1 + steps_done) / (40 + steps_done))
    for mean, value in zip(ema, values(model.variables), strict=True):
        if np.issubdtype(mean.dtype, np.floating):
            mean *= momentum
            mean += (1 - momentum) * value
        else:
            mean[...] = value


def evaluate(scores: np.ndarray, rows: Rows, heads: list[str]) -> dict[str, float]:
    """Loss, accuracy and macro-F1 of scores (n, heads, 7): the means over the heads and, of several, each head's own.

    The loss is the cross-entropy with the targets; rows without a label for a head are left out.
    """
    from scipy.special import log_softmax
    from sklearn.metrics import accuracy_score, f1_score

    logs, by_head = log_softmax(scores, axis=2), []
    for head in range(len(heads)):
        known = rows.labels[:, head] >= 0
        labels, predicted = rows.labels[known, head], scores[known, head].argmax(axis=1)
        targets = distributions(rows.targets[known, head])
        by_head.append(
            {
                "loss": float(-(targets * logs[known, head]).sum(axis=1).mean()),
                "accuracy": float(accuracy_score(labels, predicted)),
                "macro_f1": float(f1_score(labels, predicted, average="macro", zero_division=0)),
            }
        )
    figures = {f"held_out_{key}": float(np.mean([own[key] for own in by_head])) for key in by_head[0]}
    if len(heads) > 1:
        for name, own in zip(heads, by_head, strict=True):
            figures.update({f"held_out_{key}_{name}": value for key, value in own.items()})
    return figures


def distributions(targets: np.ndarray) -> np.ndarray:
    """Targets (..., 7) divided by their sums; uniform where a row has none."""
    totals = targets.sum(axis=-1, keepdims=True)
    return np.divide(targets, totals, out=np.full_like(targets, 1 / len(EMOTIONS)), where=totals > 0)


def predict(model: keras.Model, crops: np.ndarray, size: int = IMAGE_SIZE) -> np.ndarray:
    """Scores float32 (n, heads, 7) of crops uint8 (n, 48, 48), resized to ``size`` pixels, best as in training."""
    parts = np.array_split(crops, -(-len(crops) // _INFERENCE_BATCH))
    return np.concatenate([np.asarray(model.predict_on_batch(augment.resize(part, size))) for part in parts])


def class_weights(rows: Rows, powers: list[float]) -> np.ndarray:
    """Class weights float32 (heads, 7), proportional to inverse frequency to a head's power; 1 on average over rows."""
    frequency = np.maximum(rows.targets.mean(axis=0), 1e-6)
    frequency /= frequency.sum(axis=1, keepdims=True)
    weights = (1 / len(EMOTIONS) / frequency) ** np.array(powers)[:, None]
    normalised: np.ndarray = weights / (weights * frequency).sum(axis=1, keepdims=True)
    return normalised.astype(np.float32)
