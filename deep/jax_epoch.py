"""An epoch of training as one compiled program, for Keras on JAX: it keeps an accelerator busy.

The crops of an epoch are copied to the device at once and augmented there, by the distributions of
``training.augment``; Python is reached again only at the end of the epoch. All randomness comes from (seed, epoch,
step), though it is not that of the other backends.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.training.augment import ERASED_AREA, Augmentation

if TYPE_CHECKING:
    import jax
    import keras

State = Any  # of a training, a tree of arrays: values of variables, of the optimiser, and the average


def compile_epoch(
    model: keras.Model, optimiser: keras.Optimizer, weights: np.ndarray, momentum: float
) -> Callable[..., tuple[list[np.ndarray], float, float]]:
    """A function that trains the model for an epoch, compiled at its first call.

    weights: class weights float32 (heads, 7); momentum: per step, of the average of the weights. The function takes
    the average (in the order of ``model.variables``), crops uint8 (n, 48, 48), targets float32 (n, heads, 7), the
    order of the rows int (steps, batch), seed and epoch, the amount of augmentation and the image size. It changes
    the model and the optimiser in place, and returns the new average, the mean loss and the mean accuracy.
    """
    import jax
    import jax.numpy as jnp

    run = _program(model, optimiser, weights, momentum)
    trained, rest = model.trainable_variables, model.non_trainable_variables
    first, second = len(trained), len(trained) + len(rest)
    variables = [*trained, *rest, *optimiser.variables]

    def epoch(
        ema: list[np.ndarray],
        crops: np.ndarray,
        targets: np.ndarray,
        order: np.ndarray,
        seed: int,
        number: int,
        amount: Augmentation,
        size: int,
    ) -> tuple[list[np.ndarray], float, float]:
        values = [jnp.array(variable.value) for variable in variables]  # copies, because the program takes them over
        state = (values[:first], values[first:second], values[second:], [jnp.asarray(mean) for mean in ema])
        key = jax.random.fold_in(jax.random.key(seed), number)
        done = jnp.int32(number * len(order))
        state, loss, accuracy = run(state, crops, targets, order, key, done, amount=amount, size=size)
        for variable, value in zip(variables, [*state[0], *state[1], *state[2]], strict=True):
            variable.assign(value)
        return [np.array(mean) for mean in state[3]], float(loss), float(accuracy)

    return epoch


def _program(
    model: keras.Model, optimiser: keras.Optimizer, weights: np.ndarray, momentum: float
) -> Callable[..., tuple[State, jax.Array, jax.Array]]:
    """The compiled program of an epoch: state, data and settings -> new state, mean loss and mean accuracy.

    The state: values of the trained variables, of the model's others, of the optimiser's, and the average.
    """
    import jax
    import jax.numpy as jnp

    gradient = jax.value_and_grad(_loss(model, weights), has_aux=True)
    both = [*model.trainable_variables, *model.non_trainable_variables]
    place = {id(variable): index for index, variable in enumerate(both)}
    places = [place[id(variable)] for variable in model.variables]

    @functools.partial(jax.jit, static_argnames=("amount", "size"), donate_argnums=0)
    def run(
        state: State,
        crops: np.ndarray,
        targets: np.ndarray,
        order: np.ndarray,
        key: jax.Array,
        done: jax.Array,
        amount: Augmentation,
        size: int,
    ) -> tuple[State, jax.Array, jax.Array]:
        def step(state: State, inputs: State) -> tuple[State, tuple[jax.Array, jax.Array]]:
            (values, others, optimiser_state, ema), (index, rows) = state, inputs
            batch, goals = augment(crops[rows], targets[rows], amount, size, jax.random.fold_in(key, index))
            (loss, (accuracy, others)), gradients = gradient(values, others, batch, goals)
            values, optimiser_state = optimiser.stateless_apply(optimiser_state, gradients, values)
            steps = done + index + 1
            keep = jnp.minimum(momentum, (1 + steps) / (10 + steps))  # the average follows faster at first
            new = [*values, *others]
            ema = [
                keep * mean + (1 - keep) * new[at] if jnp.issubdtype(mean.dtype, jnp.floating) else new[at]
                for mean, at in zip(ema, places, strict=True)
            ]
            return (values, others, optimiser_state, ema), (loss, accuracy)

        state, (losses, accuracies) = jax.lax.scan(step, state, (jnp.arange(len(order)), order))
        return state, losses.mean(), accuracies.mean()

    return run


def _loss(model: keras.Model, weights: np.ndarray) -> Callable[..., tuple[jax.Array, State]]:
    """The loss of a batch; beside it the accuracy and the new values of what is not trained."""
    import jax
    import jax.numpy as jnp

    def loss_of(values: State, others: State, crops: jax.Array, targets: jax.Array) -> tuple[jax.Array, State]:
        scores, others = model.stateless_call(values, others, crops, training=True)
        totals = targets.sum(axis=-1, keepdims=True)
        shares = jnp.where(totals > 0, targets / jnp.maximum(totals, 1e-12), 1 / targets.shape[-1])
        row_weights = (targets * weights).sum(axis=-1)  # (n, heads)
        loss = -(row_weights * (shares * jax.nn.log_softmax(scores)).sum(axis=-1)).mean()
        return loss, ((scores.argmax(axis=-1) == shares.argmax(axis=-1)).mean(), others)

    return loss_of


def augment(
    crops: jax.Array, targets: jax.Array, amount: Augmentation, size: int, key: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Augmented crops float32 (n, size, size, 1), 0-255, and their targets, as ``training.augment`` makes them."""
    import jax
    import jax.numpy as jnp

    count, keys = len(crops), iter(jax.random.split(key, 16))

    def uniform(largest: float, *shape: int) -> jax.Array:
        return jax.random.uniform(next(keys), (count, *shape), minval=-largest, maxval=largest)

    angle, scale = jnp.radians(uniform(amount.rotation)), (1 + uniform(amount.scale)) * size / 48
    sign = jnp.where(uniform(1.0) < 0, -1.0, 1.0)
    shift = uniform(amount.shift, 2) * size
    pixel = jnp.arange(size) - (size - 1) / 2
    x = pixel[None, None, :] - shift[:, 0, None, None]  # (n, 1, size), then (n, size, size)
    y = pixel[None, :, None] - shift[:, 1, None, None]
    cosine, sine = (function(angle)[:, None, None] / scale[:, None, None] for function in (jnp.cos, jnp.sin))
    source_x = (cosine * x + sine * y) * sign[:, None, None] + 23.5
    source_y = -sine * x + cosine * y + 23.5
    augmented = _bilinear(crops.astype(jnp.float32), source_x, source_y)

    contrast, brightness = 1 + uniform(amount.contrast, 1, 1), uniform(amount.brightness, 1, 1)
    mean = augmented.mean(axis=(1, 2), keepdims=True)
    augmented = jnp.clip((augmented - mean) * contrast + mean + brightness, 0, 255)

    least, most = ERASED_AREA
    area = jax.random.uniform(next(keys), (count,), minval=least, maxval=most) * size**2
    ratio = jnp.exp(uniform(1.0))
    erased = jax.random.uniform(next(keys), (count, 1, 1)) < amount.erasing
    for axis, factor in ((1, ratio), (2, 1 / ratio)):
        length = jnp.clip(jnp.round(jnp.sqrt(area * factor)), 1, size)
        first = jnp.floor((0.5 + uniform(0.5)) * (size - length + 1))
        place = jnp.arange(size)[None] - first[:, None]
        erased &= jnp.expand_dims((place >= 0) & (place < length[:, None]), 3 - axis)
    noise = jax.random.uniform(next(keys), augmented.shape, maxval=255.0)
    augmented = jnp.where(erased, noise, augmented)

    if amount.mixup > 0:
        weight = jax.random.beta(next(keys), amount.mixup, amount.mixup, (count, 1, 1))
        weight, partner = jnp.maximum(weight, 1 - weight), jax.random.permutation(next(keys), count)
        augmented = weight * augmented + (1 - weight) * augmented[partner]
        targets = weight * targets + (1 - weight) * targets[partner]
    return augmented[..., None], targets


def _bilinear(crops: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Values of crops float (n, side, side) at places (n, height, width); beyond the border, the nearest pixel's."""
    import jax.numpy as jnp

    side = crops.shape[1]
    flat = crops.reshape(len(crops), -1)

    def at(row: jax.Array, column: jax.Array) -> jax.Array:
        index = jnp.clip(row, 0, side - 1) * side + jnp.clip(column, 0, side - 1)
        return jnp.take_along_axis(flat, index.reshape(len(crops), -1), axis=1).reshape(index.shape)

    left, top = jnp.floor(x), jnp.floor(y)
    part_x, part_y = x - left, y - top
    column, row = left.astype(int), top.astype(int)
    upper = at(row, column) * (1 - part_x) + at(row, column + 1) * part_x
    lower = at(row + 1, column) * (1 - part_x) + at(row + 1, column + 1) * part_x
    return upper * (1 - part_y) + lower * part_y
