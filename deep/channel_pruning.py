"""Channel pruning: blocks of a network with fewer channels whose outputs stay almost the same, by least squares.

He, Zhang and Sun, "Channel pruning for accelerating very deep neural networks", ICCV 2017; here channels are dropped
one by one, each time the one that the others replace best. A block is that of MobileNetV2 (Sandler et al.,
"MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018): a convolution, a depthwise one, both with ReLU,
and a third of single pixels, which is fitted anew to what it gave in the whole network. Nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.threads import onnx_session, thread_limit

_MULTIPLE = 16  # of channels that stay: ONNX Runtime is slower with other numbers
_PLACES = 400  # of a picture at which a block's values are taken
_LEAST_SPREAD = 1e-6  # of an output, which may be constant
_RIDGE = 1e-6  # of a channel's mean variance, for channels that never change


class _Block(NamedTuple):
    """Three convolutions in a row. channels: the name of what the third one takes."""

    first: onnx.NodeProto
    depthwise: onnx.NodeProto
    last: onnx.NodeProto

    @property
    def channels(self) -> str:
        return str(self.last.input[0])


def prune(model: onnx.ModelProto, pictures: list[np.ndarray], error: float) -> list[int]:
    """Take channels out of a network's blocks, one block after the other; how many each has then.

    pictures: the network's inputs, float32 (1, 3, h, w). error: the share of the variance of a block's outputs, mean
    over these, that may be lost on them.
    """
    blocks = list(_blocks(model.graph))
    targets = list(_sampled(model, pictures, [block.last.output[0] for block in blocks]))
    counts = []
    for block, target in zip(blocks, targets, strict=True):
        (values,) = _sampled(model, pictures, [block.channels])
        kept, weights, bias = _fit(values, target, error)
        _shrink(model.graph, block, kept, weights, bias)
        counts.append(len(kept))
    del model.graph.value_info[:]  # shapes that were
    return counts


def _blocks(graph: onnx.GraphProto) -> Iterator[_Block]:
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    for first in graph.node:
        chain = [first]
        for kind in ("Relu", "Conv", "Relu", "Conv"):
            following = users.get(chain[-1].output[0], [])
            if len(following) != 1 or following[0].op_type != kind:
                break
            chain.append(following[0])
        else:
            if first.op_type == "Conv" and _group(chain[2]) > 1:
                yield _Block(first, chain[2], chain[4])


def _group(convolution: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in convolution.attribute if attribute.name == "group"), 1)


def _sampled(model: onnx.ModelProto, pictures: list[np.ndarray], names: list[str]) -> Iterator[np.ndarray]:
    """The values float32 (n, channels) of tensors at random places of the pictures, the same at every call."""
    if not names:
        return iter(())
    graph, needed, nodes = model.graph, set(names), []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    part = helper.make_graph(
        nodes[::-1],
        "part",
        list(graph.input),
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names],
        [constant for constant in graph.initializer if constant.name in needed],
    )
    content = helper.make_model(part, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    session = onnx_session(content.SerializeToString(), thread_limit())
    found: list[list[np.ndarray]] = [[] for _ in names]
    rng = np.random.default_rng(0)
    for picture in pictures:
        shares = rng.random(_PLACES)
        for values, all_values in zip(found, session.run(names, {graph.input[0].name: picture}), strict=True):
            columns = all_values[0].reshape(all_values.shape[1], -1)
            values.append(columns[:, np.unique((shares * columns.shape[1]).astype(int))].T)
    return (np.concatenate(values) for values in found)


def _fit(values: np.ndarray, target: np.ndarray, error: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which channels (n, c) give the outputs (n, d) but for an error; weights (d, k) and bias (d,) by which they do."""
    mean, target_mean = values.mean(axis=0, dtype=np.float64), target.mean(axis=0, dtype=np.float64)
    centred, wanted = values - mean, target - target_mean
    covariance = centred.T @ centred / len(values)
    covariance += _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    together = centred.T @ wanted / len(values)
    spread = np.maximum(np.sqrt(np.square(wanted).mean(axis=0)), _LEAST_SPREAD)
    precision, kept = np.linalg.inv(covariance), np.arange(len(covariance))
    weights = (precision @ together / spread).T
    lost, best = 0.0, kept
    while len(kept) > _MULTIPLE:
        costs = np.square(weights).sum(axis=0) / np.diag(precision)
        least = int(costs.argmin())
        lost += costs[least] / len(weights)
        if lost > error:
            break
        stay = np.arange(len(kept)) != least
        share = precision[least, stay] / precision[least, least]  # of the dropped channel, which the others take over
        weights = weights[:, stay] - np.outer(weights[:, least], share)
        precision = precision[np.ix_(stay, stay)] - np.outer(precision[stay, least], share)
        kept = kept[stay]
        if len(kept) % _MULTIPLE == 0:
            best = kept
    fitted = np.linalg.solve(covariance[np.ix_(best, best)], together[best]).T
    return best, fitted, target_mean - fitted @ mean[best]


def _shrink(graph: onnx.GraphProto, block: _Block, kept: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> None:
    """Leave a block some channels, and give its last convolution weights (d, k) and bias (d,)."""
    tensors = {constant.name: constant for constant in graph.initializer}

    def replace(name: str, value: np.ndarray) -> None:
        tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name))

    for convolution in (block.first, block.depthwise):
        for name in convolution.input[1:]:
            replace(name, numpy_helper.to_array(tensors[name])[kept])
    replace(block.last.input[1], weights[:, :, None, None])
    replace(block.last.input[2], bias)
    group = next(attribute for attribute in block.depthwise.attribute if attribute.name == "group")
    group.i = len(kept)
