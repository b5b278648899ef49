"""ONNX graphs of the classical models: features in, calibrated probabilities out.

A model provides the nodes from ``features`` to ``scores``. This module appends the calibration and the softmax, and
for tree ensembles the average over the face and its mirror image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.artifact import OUTPUTS
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.training.calibrate import Calibration

_OPSETS = [
    helper.make_opsetid(domain, version) for domain, version in (("", 17), ("ai.onnx.ml", 3), ("com.microsoft", 1))
]


@dataclass
class Graph:
    """A graph under construction: nodes in topological order, and constants."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Append a node with one output of the given name; returns the name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def constant(self, name: str, values: np.ndarray) -> str:
        """Append a constant; returns its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def append_mirrored(graph: Graph, mirror: tuple[np.ndarray, np.ndarray]) -> str:
    """Append the concatenation of ``features`` (n, d) with those of the mirrored faces; the result's name, (2n, d)."""
    index, sign = mirror
    graph.add("Gather", ["features", graph.constant("mirror index", index.astype(np.int64))], "swapped", axis=1)
    graph.add("Mul", ["swapped", graph.constant("mirror sign", sign.astype(np.float32))], "mirrored")
    return graph.add("Concat", ["features", "mirrored"], "features and mirrored", axis=0)


def average_mirrored(graph: Graph, scores: str, output: str) -> str:
    """Append the mean of scores (2n, 7) over each face and its mirror image; the name of the (n, 7) result."""
    graph.add("Reshape", [scores, graph.constant("pair shape", np.array([2, -1, len(EMOTIONS)]))], f"{output} pairs")
    return graph.add("ReduceMean", [f"{output} pairs"], output, axes=[0], keepdims=0)


def to_onnx(graph: Graph, columns: int, calibrations: Mapping[str, Calibration]) -> bytes:
    """A complete model, serialised: ``features`` float32 (n, columns) -> calibrated probabilities float32 (n, 7).

    graph: from ``features`` to ``scores`` (n, 7 heads); calibrations: of each head by its name, a key of
    ``artifact.OUTPUTS``, in the order of the scores. The model has an output for each head.
    """

    for index, (head, calibration) in enumerate(calibrations.items()):
        weights = calibration.weights
        if len(weights) == len(EMOTIONS):  # of this head's scores: those of other heads get the weight 0
            weights = np.zeros((len(calibrations) * len(EMOTIONS), len(EMOTIONS)), dtype=np.float32)
            weights[index * len(EMOTIONS) : (index + 1) * len(EMOTIONS)] = calibration.weights
        constants = [
            graph.constant(f"{head} calibration {part}", values)
            for part, values in (("weights", weights), ("bias", calibration.bias))
        ]
        weighted = graph.add("MatMul", ["scores", constants[0]], f"{head} weighted")
        graph.add("Softmax", [graph.add("Add", [weighted, constants[1]], f"{head} logits")], OUTPUTS[head], axis=1)
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", columns])]
    outputs = [
        helper.make_tensor_value_info(OUTPUTS[head], TensorProto.FLOAT, ["n", len(EMOTIONS)]) for head in calibrations
    ]
    complete = helper.make_graph(graph.nodes, "features to probabilities", inputs, outputs, graph.constants)
    model = helper.make_model(complete, opset_imports=_OPSETS, ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
