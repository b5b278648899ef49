"""VGG-16 (Simonyan and Zisserman, ICLR 2015), pretrained on ImageNet and fine-tuned on faces.

The convolutions are those of ``keras.applications.VGG16``, with its own preprocessing inside the model;
the classifier on top is ours. On 48x48 crops the five poolings leave a map of 1x1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facial_emotion.deep.backend import load_weights, score_heads
from facial_emotion.errors import InputError
from facial_emotion.records import Json
from facial_emotion.training.tune import Space

if TYPE_CHECKING:
    import keras

LICENCE = (
    "MIT for the model. Initialised with the ImageNet weights of VGG-16 (Oxford VGG, CC BY 4.0), whose pictures "
    "were gathered for research. Trained on FER2013, which was made for research."
)
SPACE: Space = {
    "network.dropout": ("float", {"low": 0.1, "high": 0.6}),
    "stages.0.learning_rate": ("float", {"low": 1e-4, "high": 1e-2, "log": True}),
    "network.hidden": ("int", {"low": 128, "high": 512, "step": 128}),
}
IMAGENET_MEAN = (103.939, 116.779, 123.68)  # blue, green, red: subtracted from the input, as when VGG-16 was pretrained


def build(network: Json, heads: int) -> keras.Model:
    """The network, randomly initialised: grey crops float (n, size, size, 1), 0-255 -> scores (n, heads, 7).

    size: at least 32. network: "hidden", the width of the layer above the convolutions; "dropout" before and after it;
    "upsample", the whole factor by which crops are enlarged first, 1 by default.
    """
    import keras
    from keras import layers

    crops = keras.Input((None, None, 1), name="crops")
    x = crops
    if network.get("upsample", 1) > 1:
        x = layers.UpSampling2D(network["upsample"], interpolation="bilinear", name="enlarged")(x)
    x = layers.Concatenate(name="grey_as_colour")([x, x, x])
    x = layers.Rescaling(1.0, offset=[-mean for mean in IMAGENET_MEAN], name="imagenet_mean")(x)
    x = keras.applications.VGG16(include_top=False, weights=None, input_tensor=x).output
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (n, 512)
    x = layers.BatchNormalization(momentum=0.9, name="pool_norm")(x)  # the pretrained features are large
    x = layers.Dropout(network["dropout"], name="dropout_1")(x)
    x = layers.Dense(network["hidden"], activation="relu", name="hidden")(x)
    x = layers.Dropout(network["dropout"], name="dropout_2")(x)
    return keras.Model(crops, score_heads(x, heads), name="vgg16")


def init_weights(model: keras.Model, weights: Path | None, heads: Sequence[str]) -> None:
    """Load initial weights: an .npz of this network, or ImageNet weights for the convolutions alone.

    The latter come from a .weights.h5 of ``VGG16(include_top=False)`` or, by default, are downloaded by Keras.
    """
    import keras

    if weights is not None and weights.suffix == ".npz":
        load_weights(model, weights, heads)
        return
    if weights is not None:
        pretrained = keras.applications.VGG16(include_top=False, weights=None)
        load_weights(pretrained, weights)
    else:
        try:
            pretrained = keras.applications.VGG16(include_top=False, weights="imagenet")
        except Exception as error:  # the download raises many kinds
            raise InputError(
                "ImageNet weights of VGG-16",
                "an answer from Keras's server",
                type(error).__name__,
                "name a file of them with --weights",
            ) from error
    for layer in pretrained.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
