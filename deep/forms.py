"""Smaller forms of an exported network, and the choice of the smallest that costs next to nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.deep.export import answers, assemble

MAY_LOSE = 0.002  # accuracy on PublicTest, as a share
MAY_MOVE = 1e-4  # nats, on average, that 8 bits in one convolution may move the probabilities
_ASKED = 128  # crops that this is measured on
Stored = tuple[list[onnx.TensorProto], list[onnx.NodeProto]]  # constants, and the nodes that turn them into weights


def smallest(
    exact: onnx.ModelProto, seen: np.ndarray, crops: np.ndarray, labels: np.ndarray
) -> tuple[str, onnx.ModelProto, dict[str, dict[str, float]]]:
    """The first of FORMS that loses less than MAY_LOSE: its name, the model to ``scores``, and the figures of all.

    seen: crops of Training that ranges are taken from; crops, labels: those of PublicTest. All uint8 (n, 48, 48).
    """
    made = {name: model for name, form in FORMS.items() if (model := form(exact, seen)) is not None}
    figures: dict[str, dict[str, Any]] = {}
    for name, model in made.items():
        right = answers(model, crops).argmax(axis=1) == labels
        figures[name] = {"accuracy_on_PublicTest": float(right.mean()), "size": model.ByteSize()}
    enough = figures["single precision"]["accuracy_on_PublicTest"] - MAY_LOSE
    name = next(name for name in made if figures[name]["accuracy_on_PublicTest"] > enough)
    return name, made[name], figures


def single(scores: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto:
    """As it is."""
    return scores


def half(scores: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto:
    """Weights stored in 16 bits; the arithmetic stays in single precision, which CPUs are faster at."""

    def store(name: str, values: np.ndarray) -> Stored:
        kept = numpy_helper.from_array(values.astype(np.float16), f"{name} in 16 bits")
        return [kept], [helper.make_node("Cast", [kept.name], [name], to=TensorProto.FLOAT)]

    return _stored(scores, store)


def quarter(scores: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto:
    """Weights stored in 8 bits, with a scale for each channel; the arithmetic stays in single precision."""

    def store(name: str, values: np.ndarray) -> Stored:
        channels = 0 if values.ndim == 4 else values.ndim - 1  # of a convolution (out, in, h, w), else (in, out)
        others = tuple(axis for axis in range(values.ndim) if axis != channels)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
        kept = numpy_helper.from_array(np.rint(values / scale).astype(np.int8), f"{name} in 8 bits")
        scales = numpy_helper.from_array(scale.astype(np.float32), f"{name} scales")
        # Casts of constants are done once, when the model is loaded; DequantizeLinear at every run.
        cast = helper.make_node("Cast", [kept.name], [f"{name} unscaled"], to=TensorProto.FLOAT)
        return [kept, scales], [cast, helper.make_node("Mul", [f"{name} unscaled", scales.name], [name])]

    return _stored(scores, store)


def _stored(scores: onnx.ModelProto, store: Callable[[str, np.ndarray], Stored]) -> onnx.ModelProto:
    """The same network with its large weights stored otherwise, and nodes before it that give them back."""
    kept, nodes = [], []
    for weights in scores.graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size > 1000:
            tensors, back = store(weights.name, values)
            kept += tensors
            nodes += back
        else:
            kept.append(weights)
    return assemble([*nodes, *scores.graph.node], kept, "scores")


def convolutions(scores: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto | None:
    """The convolutions that can bear it in 8 bits, weights and activations; the rest as ``quarter``. None bears: None.

    Each is put into 8 bits alone first, and stays in single precision where the answers then move too far: the first
    ones do, which see the most. 1x1 convolutions stay too, for they gain nothing. Scales by channel; ranges are taken
    from real crops uint8 (n, 48, 48). Weights fill 7 of their bits: CPUs without VNNI add two products in 16 bits,
    where 8 would overflow.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        plain, ready = Path(folder) / "plain.onnx", Path(folder) / "ready.onnx"
        onnx.save(scores, plain)
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        graph = onnx.load(ready).graph
        pixels = {weights.name: np.prod(weights.dims[2:]) for weights in graph.initializer}
        wide = [node.name for node in graph.node if node.op_type == "Conv" and pixels[node.input[1]] > 1]
        some = crops[:_ASKED]
        exact = answers(scores, some)
        bearing = [name for name in wide if moved(exact, answers(_quantised(ready, [name], some), some)) < MAY_MOVE]
        return quarter(_quantised(ready, bearing, crops), crops) if bearing else None


def moved(exact: np.ndarray, other: np.ndarray) -> float:
    """How far other scores (n, 7) move the probabilities: their mean Kullback-Leibler divergence, in nats."""
    from scipy.special import log_softmax

    before, after = log_softmax(exact, axis=1), log_softmax(other, axis=1)
    return float((np.exp(before) * (before - after)).sum(axis=1).mean())


def _quantised(ready: Path, names: list[str], crops: np.ndarray) -> onnx.ModelProto:
    """A prepared model of which some convolutions, by name, are in 8 bits; their ranges are those that crops show."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        """Gives the crops in batches."""

        def __init__(self) -> None:
            self.parts = iter(np.array_split(crops, -(-len(crops) // 64)))

        def get_next(self) -> dict[str, np.ndarray] | None:
            part = next(self.parts, None)
            return None if part is None else {"crops": part}

    small = ready.with_name("small.onnx")
    quantize_static(
        ready,
        small,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv"],
        nodes_to_quantize=names,
    )
    return onnx.load(small)


# Fastest first, and smallest.
FORMS: dict[str, Callable[[onnx.ModelProto, np.ndarray], onnx.ModelProto | None]] = {
    "8-bit convolutions": convolutions,
    "weights in 8 bits": quarter,
    "weights in 16 bits": half,
    "single precision": single,
}
