"""dlib's face-recognition network (King, 2017; public domain, CC0), fine-tuned to recognise emotions.

A residual network of 5.6 million parameters without normalisation layers: dlib's scales and shifts are part of its
convolutions. It was trained to tell the faces of seven thousand people apart.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.deep.backend import load_weights, score_heads
from facial_emotion.deep.recipe import IMAGE_SIZE
from facial_emotion.errors import InputError
from facial_emotion.records import Json
from facial_emotion.training.tune import Space

if TYPE_CHECKING:
    import keras

LICENCE = (
    "MIT for the model. Initialised with dlib's face-recognition network (public domain, CC0), whose pictures were "
    "gathered for research. Trained on FER2013, which was made for research."
)
SPACE: Space = {
    "network.dropout": ("float", {"low": 0.1, "high": 0.6}),
    "stages.0.learning_rate": ("float", {"low": 1e-4, "high": 1e-2, "log": True}),
}
IMAGE_SIZES = (IMAGE_SIZE,)  # of its crops; the shortcuts' padding depends on it
_MEAN = (122.782, 117.001, 104.298)  # red, green, blue: subtracted from the input, as when the network was trained
# (channels, stride) of each block.
_BLOCKS = (
    [(32, 1)] * 3 + [(64, 2), *[(64, 1)] * 3] + [(128, 2), *[(128, 1)] * 2] + [(256, 2), *[(256, 1)] * 2, (256, 2)]
)


def build(network: Json, heads: int) -> keras.Model:
    """The network, randomly initialised: grey crops float (n, 48, 48, 1), 0-255 -> scores (n, heads, 7).

    network: "upsample", the whole factor by which crops are enlarged first; "dropout" before the last layer.
    """
    import keras
    from keras import layers

    crops = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1), name="crops")
    x = layers.UpSampling2D(network["upsample"], interpolation="bilinear", name="enlarged")(crops)
    x = layers.Concatenate(name="grey_as_colour")([x, x, x])
    x = layers.Rescaling(1 / 256, offset=[-mean / 256 for mean in _MEAN], name="mean")(x)
    x = layers.Conv2D(32, 7, 2, activation="relu", name="stem")(x)
    x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    for number, (channels, stride) in enumerate(_BLOCKS, 1):
        x = _block(x, channels, stride, f"block_{number:02}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (n, 256)
    x = layers.Dropout(network["dropout"], name="dropout")(x)
    return keras.Model(crops, score_heads(x, heads), name="dlib_resnet")


def _block(x: keras.KerasTensor, channels: int, stride: int, name: str) -> keras.KerasTensor:
    """A residual block. The shortcut is averaged; both branches are padded with zeros to the larger of their shapes."""
    from keras import layers

    padding = "same" if stride == 1 else "valid"
    y = layers.Conv2D(channels, 3, stride, padding=padding, activation="relu", name=f"{name}_conv_1")(x)
    y = layers.Conv2D(channels, 3, padding="same", name=f"{name}_conv_2")(y)
    if stride > 1:
        x = layers.AveragePooling2D(2, stride, name=f"{name}_average")(x)
    shape = np.maximum(x.shape[1:], y.shape[1:])
    x, y = _padded(x, shape), _padded(y, shape)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([x, y]))


def _padded(x: keras.KerasTensor, shape: np.ndarray) -> keras.KerasTensor:
    """Maps padded with zeros, at the end of each axis, to a shape (height, width, channels)."""
    from keras import ops

    missing = [int(most - least) for most, least in zip(shape, x.shape[1:], strict=True)]
    return ops.pad(x, [[0, 0], *([0, count] for count in missing)]) if any(missing) else x


def init_weights(model: keras.Model, weights: Path | None, heads: Sequence[str]) -> None:
    """Load initial weights: an .npz of this network or, for the convolutions alone, one of dlib's arrays.

    The latter are the network's parameters as dlib's net_to_xml writes them, named "stem/kernel",
    "block_01/conv_1/kernel" and so on; beside each kernel (height, width, in, out) are its "bias", and the "scale" and
    "shift" that dlib applies after it. Raises InputError where there are none, or others.
    """
    if weights is None:
        raise InputError("initial weights", "an .npz of dlib's arrays, or of this network", "none", "add --weights")
    if weights.is_file() and _is_of_dlib(weights):
        _load_dlib(model, weights)
    else:
        load_weights(model, weights, heads)


def _is_of_dlib(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "stem/kernel.npy" in archive.namelist()


def _load_dlib(model: keras.Model, path: Path) -> None:
    """Load dlib's arrays: "<layer>/kernel", "bias", "scale" and "shift", which make one kernel and one bias."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            for layer in model.layers:
                name = layer.name.replace("_conv_", "/conv_")
                if name == "stem" or "/conv_" in name:
                    parts = (stored[f"{name}/{part}"] for part in ("kernel", "bias", "scale", "shift"))
                    kernel, bias, scale, shift = parts
                    layer.set_weights([kernel * scale, bias * scale + shift])
    except Exception as error:  # numpy and Keras each raise their own
        reason = str(error).strip().splitlines()[0]
        raise InputError(path, "the arrays of dlib's face-recognition network", reason) from error
