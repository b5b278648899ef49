"""Channel pruning: what is left of a block gives the same, where some of its channels said nothing new."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.deep.channel_pruning import prune
from facial_emotion.threads import onnx_session

CHANNELS = 64


def network(rng: np.random.Generator) -> onnx.ModelProto:
    """One block, of whose 64 channels a quarter are always 0 and another quarter are multiples of others."""
    first = rng.normal(0, 1, (CHANNELS, 3, 3, 3))
    bias = rng.normal(0, 0.5, CHANNELS)
    depthwise, depthwise_bias = rng.normal(0, 1, (CHANNELS, 1, 3, 3)), rng.normal(0, 0.5, CHANNELS)
    first[:16], bias[:16] = 0, -1
    for values in (first, bias, depthwise):
        values[16:32] = values[32:48]
    depthwise[16:32] *= 3
    depthwise_bias[16:32] = 3 * depthwise_bias[32:48]
    last, last_bias = rng.normal(0, 1, (8, CHANNELS, 1, 1)), rng.normal(0, 1, 8)
    weights = {"w1": first, "b1": bias, "w2": depthwise, "b2": depthwise_bias, "w3": last, "b3": last_bias}
    around: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["picture", "w1", "b1"], ["one"], **around),
        helper.make_node("Relu", ["one"], ["two"]),
        helper.make_node("Conv", ["two", "w2", "b2"], ["three"], group=CHANNELS, **around),
        helper.make_node("Relu", ["three"], ["four"]),
        helper.make_node("Conv", ["four", "w3", "b3"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "block",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, None, None])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [1, 8, None, None])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_a_block_without_what_its_other_channels_say_gives_the_same() -> None:
    rng = np.random.default_rng(0)
    model = network(rng)
    pictures = [rng.normal(0, 1, (1, 3, 32, 32)).astype(np.float32) for _ in range(40)]
    *known, unseen = pictures
    before = onnx_session(model.SerializeToString(), threads=1).run(None, {"picture": unseen})[0]
    assert prune(model, known, error=1e-5) == [32]
    after = onnx_session(model.SerializeToString(), threads=1).run(None, {"picture": unseen})[0]
    assert np.abs(after - before).max() < 0.01 * before.std()
    onnx.checker.check_model(model)
    assert prune(model, known, error=0.5)[0] < 32
