"""Compressed model variants of an exported network, and the choice of the one that is served.

Initialisers and nodes keep their names across releases: these are part of the served file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.deep.export import assemble, run_onnx

MAX_ACCURACY_LOSS = 0.002  # on PublicTest, as a fraction
MAX_KL_DIVERGENCE = 1e-4  # nats: the mean divergence of the probabilities that quantising one convolution may cause
_SENSITIVITY_ROWS = 128  # crops on which the divergence is measured
_MIN_SIZE = 1000  # smaller tensors are not compressed

# Constants, and the nodes that compute the float32 weights from them.
_Compressed = tuple[list[onnx.TensorProto], list[onnx.NodeProto]]


def choose(
    exact: onnx.ModelProto, calibration_crops: np.ndarray, crops: np.ndarray, labels: np.ndarray
) -> tuple[str, onnx.ModelProto, dict[str, dict[str, float]]]:
    """The first of VARIANTS with which no head loses more than MAX_ACCURACY_LOSS.

    exact: outputs ``scores`` in single precision; calibration_crops: of Training, for the ranges of activations;
    crops, labels (n, heads): of PublicTest; -1 is no label. Crops are uint8 (n, 48, 48). Returns the variant's name,
    its model, which outputs ``scores``, and the size in bytes and the accuracy, averaged over the heads, of every
    variant.
    """
    models = {name: model for name, make in VARIANTS.items() if (model := make(exact, calibration_crops)) is not None}
    accuracies = {
        name: (run_onnx(model, crops).argmax(axis=2) == labels).sum(axis=0) / (labels >= 0).sum(axis=0)
        for name, model in models.items()
    }
    figures = {
        name: {"accuracy_on_PublicTest": float(accuracies[name].mean()), "size": float(model.ByteSize())}
        for name, model in models.items()
    }
    minimum = accuracies["single precision"] - MAX_ACCURACY_LOSS
    name = next(name for name in models if (accuracies[name] > minimum).all())
    return name, models[name], figures


def single_precision(scores: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto:
    """The network unchanged."""
    return scores


def weights_as_float16(scores: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto:
    """Weights stored as float16; the arithmetic stays in single precision, which is faster on CPUs."""

    def compress(name: str, values: np.ndarray) -> _Compressed:
        stored = numpy_helper.from_array(values.astype(np.float16), f"{name} in 16 bits")
        return [stored], [helper.make_node("Cast", [stored.name], [name], to=TensorProto.FLOAT)]

    return _compress_weights(scores, compress)


def weights_as_int8(scores: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto:
    """Weights stored as int8 with a scale per output channel; the arithmetic stays in single precision."""

    def compress(name: str, values: np.ndarray) -> _Compressed:
        channel_axis = 0 if values.ndim == 4 else values.ndim - 1  # of a convolution (out, in, h, w), else (in, out)
        other_axes = tuple(axis for axis in range(values.ndim) if axis != channel_axis)
        scale = np.maximum(np.abs(values).max(axis=other_axes, keepdims=True), 1e-12) / 127
        stored = numpy_helper.from_array(np.rint(values / scale).astype(np.int8), f"{name} in 8 bits")
        scales = numpy_helper.from_array(scale.astype(np.float32), f"{name} scales")
        # Casts of constants are folded when the model is loaded; DequantizeLinear is computed at every run.
        cast = helper.make_node("Cast", [stored.name], [f"{name} unscaled"], to=TensorProto.FLOAT)
        return [stored, scales], [cast, helper.make_node("Mul", [f"{name} unscaled", scales.name], [name])]

    return _compress_weights(scores, compress)


def _compress_weights(scores: onnx.ModelProto, compress: Callable[[str, np.ndarray], _Compressed]) -> onnx.ModelProto:
    """The network with its large float32 weights compressed, and nodes before it that decompress them."""
    constants: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []
    for weights in scores.graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size > _MIN_SIZE:
            tensors, decompress = compress(weights.name, values)
            constants += tensors
            nodes += decompress
        else:
            constants.append(weights)
    return assemble([*nodes, *scores.graph.node], constants, {"scores": _output_shape(scores)})


def _output_shape(scores: onnx.ModelProto) -> list[int]:
    """The shape of a network's output; the free dimension is 0."""
    return [dimension.dim_value for dimension in scores.graph.output[0].type.tensor_type.shape.dim]


def quantised_convolutions(scores: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto | None:
    """Insensitive convolutions computed in 8 bits, weights and activations; other weights as ``weights_as_int8``.

    Sensitivity is measured for each convolution by quantising it alone: one that changes the probabilities by
    MAX_KL_DIVERGENCE or more stays in single precision, as the first ones do. 1x1 convolutions stay too, because they
    become no faster. Ranges are calibrated on crops uint8 (n, 48, 48), scales are per channel. Weights use 7 of 8
    bits: CPUs without VNNI add two products in 16 bits, which would overflow. None where all convolutions are
    sensitive.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        original, prepared = Path(folder) / "plain.onnx", Path(folder) / "ready.onnx"
        onnx.save(scores, original)
        quant_pre_process(original, prepared, skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        pixels = {weights.name: np.prod(weights.dims[2:]) for weights in graph.initializer}
        candidates = [node.name for node in graph.node if node.op_type == "Conv" and pixels[node.input[1]] > 1]
        sample = crops[:_SENSITIVITY_ROWS]
        exact = run_onnx(scores, sample)
        insensitive = [
            name
            for name in candidates
            if mean_kl_divergence(exact, run_onnx(_quantise(prepared, [name], sample), sample)) < MAX_KL_DIVERGENCE
        ]
        return weights_as_int8(_quantise(prepared, insensitive, crops), crops) if insensitive else None


def mean_kl_divergence(exact: np.ndarray, other: np.ndarray) -> float:
    """The mean Kullback-Leibler divergence, in nats, of the softmax of other scores (..., 7) from exact ones'."""
    from scipy.special import log_softmax

    exact_log, other_log = log_softmax(exact, axis=-1), log_softmax(other, axis=-1)
    return float((np.exp(exact_log) * (exact_log - other_log)).sum(axis=-1).mean())


class Feed:
    """Inputs one after the other, as onnxruntime's quantisation reads them (its CalibrationDataReader)."""

    def __init__(self, name: str, values: Iterable[np.ndarray]) -> None:
        self.name, self.values = name, iter(values)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next input by its name, or None at the end."""
        value = next(self.values, None)
        return None if value is None else {self.name: value}


def _quantise(prepared: Path, names: list[str], crops: np.ndarray) -> onnx.ModelProto:
    """A prepared model with the named convolutions quantised to 8 bits; crops calibrate the ranges."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    output = prepared.with_name("small.onnx")
    quantize_static(
        prepared,
        output,
        Feed("crops", np.array_split(crops, -(-len(crops) // 64))),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv"],
        nodes_to_quantize=names,
    )
    return onnx.load(output)


# By descending speed, then by ascending size.
VARIANTS: dict[str, Callable[[onnx.ModelProto, np.ndarray], onnx.ModelProto | None]] = {
    "8-bit convolutions": quantised_convolutions,
    "weights in 8 bits": weights_as_int8,
    "weights in 16 bits": weights_as_float16,
    "single precision": single_precision,
}
