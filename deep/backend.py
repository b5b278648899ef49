"""Keras, on the backend that KERAS_BACKEND names: tensorflow (the default), jax or torch."""

from __future__ import annotations

import importlib.util
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    import keras

BACKENDS = ("tensorflow", "jax", "torch")


def start(precision: str = "float32") -> None:
    """Make Keras ready to be imported and set its precision, "float32", "mixed_bfloat16" or "mixed_float16".

    Raises InputError for a backend that there is not, or that is not installed.
    """
    name = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if name not in BACKENDS:
        raise InputError("KERAS_BACKEND", f"one of {', '.join(BACKENDS)}", repr(name))
    if importlib.util.find_spec(name) is None:
        raise InputError("KERAS_BACKEND", f"an installed backend, {name} was asked for", "no such package")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    keras.config.set_dtype_policy(precision)


def in_single_precision(
    model: keras.Model, build: Callable[[dict[str, Any]], keras.Model], network: dict[str, Any]
) -> keras.Model:
    """The same network and weights without mixed precision, which no export takes."""
    import keras

    keras.config.set_dtype_policy("float32")
    plain = build(network)
    plain.set_weights(model.get_weights())
    return plain


def load_weights(model: keras.Model, path: Path) -> None:
    """Read weights into a model, from .weights.h5 or from the .npz that ``packed`` makes.

    Raises InputError where the file is missing, damaged, or of another network.
    """
    if not path.is_file():
        raise InputError(path, "a file of weights", "nothing there")
    try:
        if path.suffix == ".npz":
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                model.set_weights([stored[name].astype(np.float32) for name in sorted(stored.files)])
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Skipping nested container")  # files written by an older Keras
            model.load_weights(path)
    except Exception as error:  # numpy, h5py and Keras each raise their own
        found = str(error).strip().splitlines()[0]
        raise InputError(path, f"weights of the network {model.name}, as .weights.h5 or .npz", found) from error


def packed(model: keras.Model) -> bytes:
    """A model's weights in 16 bits as .npz, for a later training to begin from."""
    stream = io.BytesIO()
    arrays = {f"{index:04}": weights.astype(np.float16) for index, weights in enumerate(model.get_weights())}
    np.savez(stream, **arrays)
    return stream.getvalue()
