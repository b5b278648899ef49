"""ONNX graphs of the classical models: features in, calibrated probabilities out.

A model gives the nodes that turn ``features`` into ``scores``; here they get their calibration and
softmax, and trees the average over the face and its mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.evaluation.calibration import Calibration
from facial_emotion.features.emotions import EMOTIONS

_OPSETS = [
    helper.make_opsetid(domain, version) for domain, version in (("", 17), ("ai.onnx.ml", 3), ("com.microsoft", 1))
]


@dataclass
class Graph:
    """Nodes and constants, added one after the other; every node's output has the name that it is given."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Append a node; the name of its output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def constant(self, name: str, values: np.ndarray) -> str:
        """Append a constant; the name to use it by."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def with_mirrored(graph: Graph, mirror: tuple[np.ndarray, np.ndarray]) -> str:
    """Add nodes that put the features of the mirrored faces below ``features``; the name of the (2n, d) result."""
    index, sign = mirror
    graph.add("Gather", ["features", graph.constant("mirror index", index.astype(np.int64))], "swapped", axis=1)
    graph.add("Mul", ["swapped", graph.constant("mirror sign", sign.astype(np.float32))], "mirrored")
    return graph.add("Concat", ["features", "mirrored"], "features twice", axis=0)


def average_halves(graph: Graph, scores: str, output: str) -> str:
    """Add nodes that average scores (2n, 7) over a face and its mirror image: (n, 7)."""
    graph.add("Reshape", [scores, graph.constant("halves", np.array([2, -1, len(EMOTIONS)]))], f"{output} halves")
    return graph.add("ReduceMean", [f"{output} halves"], output, axes=[0], keepdims=0)


def finish(graph: Graph, columns: int, calibration: Calibration) -> bytes:
    """The whole model as ONNX bytes: ``features`` float32 (n, columns) -> ``probabilities`` float32 (n, 7).

    The graph so far turns ``features`` into ``scores``.
    """
    graph.add("MatMul", ["scores", graph.constant("calibration weights", calibration.weights)], "weighted")
    graph.add("Add", ["weighted", graph.constant("calibration bias", calibration.bias)], "logits")
    graph.add("Softmax", ["logits"], "probabilities", axis=1)
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", columns])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(EMOTIONS)])]
    whole = helper.make_graph(graph.nodes, "features to probabilities", inputs, outputs, graph.constants)
    model = helper.make_model(whole, opset_imports=_OPSETS, ir_version=8)
    onnx.checker.check_model(model)
    result: bytes = model.SerializeToString()
    return result
