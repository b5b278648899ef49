"""Compressed model variants: their outputs stay close to those of the original network."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.deep import variants
from facial_emotion.deep.export import assemble, run_onnx


def network(seed: int, positive: bool = False) -> onnx.ModelProto:
    """A convolution and a matrix whose channels differ by orders of magnitude; positive: with absolute weights."""
    rng = np.random.default_rng(seed)
    kernels = rng.normal(0, 0.01, (16, 1, 9, 9)) * 10 ** rng.uniform(-3, 0, (16, 1, 1, 1))
    matrix = rng.normal(0, 1, (400, 7)) * 10 ** rng.uniform(-1, 1, 7)
    constants = {"kernels": kernels, "matrix": matrix}
    nodes = [
        helper.make_node("Cast", ["crops"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["grey", "axis"], ["image"]),
        helper.make_node("Conv", ["image", "kernels"], ["maps"], strides=[8, 8]),
        helper.make_node("Flatten", ["maps"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["flat scores"]),
        helper.make_node("Unsqueeze", ["flat scores", "axis"], ["scores"]),
    ]
    weights = {name: np.abs(values) if positive else values for name, values in constants.items()}
    stored = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()]
    return assemble(nodes, [*stored, numpy_helper.from_array(np.array([1]), "axis")], {"scores": (None, 1, 7)})


@pytest.mark.parametrize(
    ("variant", "size", "tolerance"), [("weights in 8 bits", 0.4, 0.004), ("weights in 16 bits", 0.6, 0.0002)]
)
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_compressed_weights_are_smaller_and_nearly_exact(
    variant: str, size: float, tolerance: float, seed: int
) -> None:
    exact = network(seed)
    crops = np.random.default_rng(seed).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    small = variants.VARIANTS[variant](exact, crops)
    assert small is not None
    onnx.checker.check_model(small)
    assert small.ByteSize() < size * exact.ByteSize()
    largest = run_onnx(network(seed, positive=True), crops)  # scores without cancellation
    assert (np.abs(run_onnx(small, crops) - run_onnx(exact, crops)) <= tolerance * largest).all()


def two_convolutions(rng: np.random.Generator) -> onnx.ModelProto:
    """Two parallel convolutions; the second's input has an outlier outside all kernels, which only widens the range."""
    bright = np.ones((48, 48))
    bright[47, 47] = 1000
    constants = {
        "bright": bright / 255,
        "scale": np.array(1 / 255),
        "plain kernels": rng.normal(0, 1, (8, 1, 3, 3)),
        "spoilt kernels": rng.normal(0, 1, (8, 1, 3, 3)),
        "matrix": rng.normal(0, 0.02, (16 * 36, 7)),
    }
    nodes = [
        helper.make_node("Cast", ["crops"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["grey", "axis"], ["image"]),
        helper.make_node("Mul", ["image", "scale"], ["plain image"]),
        helper.make_node("Mul", ["image", "bright"], ["spoilt image"]),
        *(
            helper.make_node("Conv", [f"{kind} image", f"{kind} kernels"], [kind], kind, strides=[8, 8])
            for kind in ("plain", "spoilt")
        ),
        helper.make_node("Concat", ["plain", "spoilt"], ["maps"], axis=1),
        helper.make_node("Flatten", ["maps"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["flat scores"]),
        helper.make_node("Unsqueeze", ["flat scores", "axis"], ["scores"]),
    ]
    stored = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()]
    return assemble(nodes, [*stored, numpy_helper.from_array(np.array([1]), "axis")], {"scores": (None, 1, 7)})


def test_a_sensitive_convolution_stays_in_single_precision() -> None:
    rng = np.random.default_rng(0)
    exact, crops = two_convolutions(rng), rng.integers(0, 256, (128, 48, 48), dtype=np.uint8)
    small = variants.quantised_convolutions(exact, crops)
    assert small is not None
    made_by = {output: node.op_type for node in small.graph.node for output in node.output}
    inputs = {node.name: made_by[node.input[0]] for node in small.graph.node if node.op_type == "Conv"}
    assert inputs == {"plain": "DequantizeLinear", "spoilt": "Mul"}
    assert (
        0 < variants.mean_kl_divergence(run_onnx(exact, crops), run_onnx(small, crops)) < 2 * variants.MAX_KL_DIVERGENCE
    )
    assert small.ByteSize() < exact.ByteSize()


def test_without_insensitive_convolutions_there_is_no_such_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "MAX_KL_DIVERGENCE", 0)
    rng = np.random.default_rng(0)
    exact, crops = two_convolutions(rng), rng.integers(0, 256, (64, 48, 48), dtype=np.uint8)
    name, _, figures = variants.choose(exact, crops, crops, run_onnx(exact, crops).argmax(axis=2))
    assert name == "weights in 8 bits"
    assert set(figures) == set(variants.VARIANTS) - {"8-bit convolutions"}
