"""A compact residual network for 48x48 grey crops, about 4.8 million parameters.

Residual blocks (He et al., "Deep residual learning", CVPR 2016) with squeeze-and-excitation (Hu et al.,
CVPR 2018) and shortcuts that average before they project (He et al., "Bag of tricks", CVPR 2019). Most of
the work is done on 12x12 and 6x6 maps with many channels: there a CPU multiplies most and moves least.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from facial_emotion.deep.backend import load_weights
from facial_emotion.features.emotions import EMOTIONS

if TYPE_CHECKING:
    import keras


def build(network: dict[str, Any]) -> keras.Model:
    """Grey crops float (n, side, side, 1), 0-255 -> scores (n, 7); any side from 32 up.

    network: "stem", the channels of its two convolutions; "stages", [channels, blocks] each at half the
    side of the one before; "squeeze", by how much excitation narrows; "dropout" before the last layer.
    """
    import keras
    from keras import layers

    crops = keras.Input((None, None, 1), name="crops")
    x = layers.GroupNormalization(groups=1, center=False, scale=False, name="contrast")(crops)  # each crop by itself
    first, second = network["stem"]
    x = _unit(x, first, "stem_1", stride=2)  # (n, 24, 24, first)
    x = _unit(x, second, "stem_2")
    for stage, (channels, blocks) in enumerate(network["stages"], 1):
        for block in range(1, blocks + 1):
            x = _block(x, channels, network["squeeze"], 2 if block == 1 else 1, f"stage_{stage}_block_{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (n, channels of the last stage)
    x = layers.Dropout(network["dropout"], name="dropout")(x)
    scores = layers.Dense(len(EMOTIONS), dtype="float32", name="scores")(x)
    return keras.Model(crops, scores, name="cnn")


def _block(x: Any, channels: int, squeeze: int, stride: int, name: str) -> Any:
    from keras import layers

    y = _unit(x, channels, f"{name}_1", stride=stride)
    y = _unit(y, channels, f"{name}_2", last=True)
    shortcut = x
    if stride > 1:
        shortcut = layers.AveragePooling2D(stride, padding="same", name=f"{name}_average")(shortcut)
    if x.shape[-1] != channels:
        shortcut = _unit(shortcut, channels, f"{name}_shortcut", side=1, active=False)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(y)
    gate = layers.Conv2D(channels // squeeze, 1, activation="relu", name=f"{name}_excite_1")(gate)
    gate = layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_excite_2")(gate)
    y = layers.Multiply(name=f"{name}_gated")([y, gate])
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([shortcut, y]))


def _unit(
    x: Any, channels: int, name: str, side: int = 3, stride: int = 1, active: bool = True, last: bool = False
) -> Any:
    """Convolution, batch normalisation and, unless it closes a branch, ReLU.

    The last of a block starts at zero, so that at first every block passes on what it gets (Goyal et al., 2017).
    """
    from keras import layers

    x = layers.Conv2D(
        channels, side, stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    x = layers.BatchNormalization(momentum=0.9, gamma_initializer="zeros" if last else "ones", name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if active and not last else x


def begin(model: keras.Model, weights: Path | None) -> None:
    """Start from weights of this network, where there are any, else at random."""
    if weights is not None:
        load_weights(model, weights)
