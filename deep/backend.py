"""Keras, on the backend that KERAS_BACKEND names: tensorflow (the default), jax or torch."""

from __future__ import annotations

import importlib.util
import io
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.deep.recipe import HEADS
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS

if TYPE_CHECKING:
    import keras

BACKENDS = ("tensorflow", "jax", "torch")


def configure(precision: str = "float32") -> None:
    """Choose Keras's backend and its precision, "float32", "mixed_bfloat16" or "mixed_float16".

    To be called before Keras is imported. Raises InputError for an unknown backend, or one that is not installed.
    """
    name = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if name not in BACKENDS:
        raise InputError("KERAS_BACKEND", f"one of {', '.join(BACKENDS)}", repr(name))
    if importlib.util.find_spec(name) is None:
        raise InputError("KERAS_BACKEND", "an installed backend", f"{name}, which is not installed")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    keras.config.set_dtype_policy(precision)


def device() -> str:
    """The name of the accelerator that Keras computes on, or "CPU"."""
    import keras

    name = keras.backend.backend()
    if name == "jax":
        import jax

        device = jax.devices()[0]
        return "CPU" if device.platform == "cpu" else str(device.device_kind)
    if name == "torch":
        import torch

        return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else "CPU"
    import tensorflow

    return "GPU" if tensorflow.config.list_physical_devices("GPU") else "CPU"


def in_single_precision(model: keras.Model, build: Callable[[], keras.Model]) -> keras.Model:
    """A copy of a network, with its weights, in single precision: mixed precision can't be exported."""
    import keras

    keras.config.set_dtype_policy("float32")
    copy = build()
    copy.set_weights(model.get_weights())
    return copy


def score_heads(pooled: keras.KerasTensor, heads: int) -> keras.KerasTensor:
    """Scores (n, heads, 7) in single precision from pooled features (n, channels)."""
    from keras import layers

    scores = layers.Dense(heads * len(EMOTIONS), dtype="float32", name="scores")(pooled)
    return layers.Reshape((heads, len(EMOTIONS)), dtype="float32", name="heads")(scores)


def load_weights(model: keras.Model, path: Path, heads: Sequence[str] = ()) -> None:
    """Load weights into a model, from .weights.h5 or from the .npz that ``weights_as_npz`` makes.

    heads: the names of the model's heads (``recipe.HEADS``). From an .npz of the same network with other heads, each
    gets the weights of the head of its name or, where there is only one, of that.
    Raises InputError where the file is missing, damaged, or of another network.
    """
    if not path.is_file():
        raise InputError(path, "a file of weights", "nothing there")
    try:
        if path.suffix == ".npz":
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                arrays = [stored[name].astype(np.float32) for name in sorted(stored.files)]
            model.set_weights([*arrays[:-2], *(_scores_of(heads, weights) for weights in arrays[-2:])])
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Skipping nested container")  # files written by an older Keras
            model.load_weights(path)
    except Exception as error:  # numpy, h5py and Keras each raise their own
        reason = str(error).strip().splitlines()[0]
        raise InputError(path, f"weights of the network {model.name}, as .weights.h5 or .npz", reason) from error


def _scores_of(heads: Sequence[str], weights: np.ndarray) -> np.ndarray:
    """The weights (..., 7 heads) or bias of the layer ``scores`` for these heads, from those of one or of all."""
    stored = weights.shape[-1] // len(EMOTIONS)
    if not heads or stored == len(heads):
        return weights
    parts = dict(zip(HEADS, np.split(weights, stored, axis=-1), strict=True)) if stored > 1 else {}
    return np.concatenate([parts[head] if parts else weights for head in heads], axis=-1)


def weights_as_npz(model: keras.Model) -> bytes:
    """A model's weights as float16 in .npz, which can initialise a later training."""
    stream = io.BytesIO()
    arrays = {f"{index:04}": weights.astype(np.float16) for index, weights in enumerate(model.get_weights())}
    np.savez(stream, **arrays)
    return stream.getvalue()
