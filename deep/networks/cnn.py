"""A compact residual network for 48x48 grey crops, about 5 million parameters.

Residual blocks (He et al., "Deep residual learning", CVPR 2016) with squeeze-and-excitation (Hu et al.,
CVPR 2018) and shortcuts that average before they project (He et al., "Bag of tricks", CVPR 2019). Most of
the arithmetic is on 12x12 and 6x6 maps with many channels, where a CPU does most multiplications per byte read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facial_emotion.deep.backend import load_weights, score_heads
from facial_emotion.records import Json
from facial_emotion.training.tune import Space

if TYPE_CHECKING:
    import keras

LICENCE = "MIT for the model. Trained on FER2013, which was made for research."
SPACE: Space = {
    "network.dropout": ("float", {"low": 0.1, "high": 0.6}),
    "stages.0.learning_rate": ("float", {"low": 0.02, "high": 0.5, "log": True}),
    "network.stages.0.0": ("int", {"low": 64, "high": 160, "step": 32}),
    "network.stages.1.0": ("int", {"low": 128, "high": 320, "step": 64}),
    "network.stages.2.0": ("int", {"low": 256, "high": 512, "step": 128}),
}


def build(network: Json, heads: int) -> keras.Model:
    """The network, randomly initialised: grey crops float (n, size, size, 1), 0-255 -> scores (n, heads, 7).

    size: at least 32. network: "stem", the channels of its convolutions, and "stem_stride", of the
    first; "stages", [channels, blocks] each at half the resolution of the one before; "squeeze", the reduction ratio
    of squeeze-and-excitation; "dropout" before the last layer.
    """
    import keras
    from keras import layers

    crops = keras.Input((None, None, 1), name="crops")
    x = layers.GroupNormalization(groups=1, center=False, scale=False, name="contrast")(crops)  # normalises each crop
    for number, channels in enumerate(network["stem"], 1):
        stride = network["stem_stride"] if number == 1 else 1
        x = _conv_norm_relu(x, channels, f"stem_{number}", stride=stride)
    for stage, (channels, blocks) in enumerate(network["stages"], 1):
        for block in range(1, blocks + 1):
            name = f"stage_{stage}_block_{block}"
            x = _residual_block(x, channels, network["squeeze"], 2 if block == 1 else 1, name)
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (n, channels of the last stage)
    x = layers.Dropout(network["dropout"], name="dropout")(x)
    return keras.Model(crops, score_heads(x, heads), name="cnn")


def _residual_block(x: keras.KerasTensor, channels: int, squeeze: int, stride: int, name: str) -> keras.KerasTensor:
    from keras import layers

    y = _conv_norm_relu(x, channels, f"{name}_1", stride=stride)
    # Zero scale makes every block the identity at first (Goyal et al., "Accurate, large minibatch SGD", 2017).
    y = _conv_norm_relu(y, channels, f"{name}_2", scale="zeros", relu=False)
    shortcut = x
    if stride > 1:
        shortcut = layers.AveragePooling2D(stride, padding="same", name=f"{name}_average")(shortcut)
    if x.shape[-1] != channels:
        shortcut = _conv_norm_relu(shortcut, channels, f"{name}_shortcut", kernel=1, relu=False)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(y)
    gate = layers.Conv2D(channels // squeeze, 1, activation="relu", name=f"{name}_excite_1")(gate)
    gate = layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_excite_2")(gate)
    y = layers.Multiply(name=f"{name}_gated")([y, gate])
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([shortcut, y]))


def _conv_norm_relu(
    x: keras.KerasTensor,
    channels: int,
    name: str,
    kernel: int = 3,
    stride: int = 1,
    scale: str = "ones",
    relu: bool = True,
) -> keras.KerasTensor:
    """Convolution, batch normalisation whose scale is initialised as given, and ReLU unless left out."""
    from keras import layers

    x = layers.Conv2D(
        channels, kernel, stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    x = layers.BatchNormalization(momentum=0.9, gamma_initializer=scale, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def init_weights(model: keras.Model, weights: Path | None, heads: Sequence[str]) -> None:
    """Load initial weights of this network, if any; else they stay random. heads: as ``load_weights`` takes them."""
    if weights is not None:
        load_weights(model, weights, heads)
