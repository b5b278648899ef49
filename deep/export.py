"""Export of a Keras network to ONNX, comparison of the two on real crops, and calibration of the exported one."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS

if TYPE_CHECKING:
    import keras

PARITY_ROWS = 512  # crops on which the exported network is compared with Keras
_OPSET = 17
_IR_VERSION = 8


def to_onnx(model: keras.Model) -> onnx.ModelProto:
    """Export a network to ONNX in single precision: crops uint8 (n, 48, 48) -> scores float32 (n, 7).

    Raises InputError under another backend than TensorFlow, which alone exports without PyTorch.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise InputError("export", "KERAS_BACKEND=tensorflow", keras.backend.backend(), "export with --resume there")
    signature = [keras.InputSpec(shape=(None, 48, 48, 1), dtype="float32", name="grey")]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the exporter uses a name that NumPy deprecated
        path = Path(folder) / "model.onnx"
        model.export(path, format="onnx", input_signature=signature, opset_version=_OPSET, verbose=False)
        exported = onnx.load(path)
    graph = exported.graph
    grey, scores = graph.input[0].name, graph.output[0].name
    input_nodes = [
        helper.make_node("Cast", ["crops"], ["crops as float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["crops as float", "last axis"], [grey]),
    ]
    output_node = helper.make_node("Identity", [scores], ["scores"])
    return assemble(
        [*input_nodes, *graph.node, output_node],
        [*graph.initializer, numpy_helper.from_array(np.array([-1]), "last axis")],
        "scores",
    )


def run_onnx(model: onnx.ModelProto | bytes, crops: np.ndarray) -> np.ndarray:
    """The output float32 (n, 7) of an exported network on crops uint8 (n, 48, 48)."""
    from facial_emotion import artifact

    content = model if isinstance(model, bytes) else model.SerializeToString()
    session = artifact.session(content, threads=2)
    output = session.get_outputs()[0].name
    parts = np.array_split(crops, -(-len(crops) // 128))
    return np.concatenate([session.run([output], {"crops": part})[0] for part in parts])


def compare_with_keras(
    model: keras.Model, exported: onnx.ModelProto, crops: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """Compare an exported network with the original on crops uint8 (n, 48, 48). Raises InputError where they differ."""
    from scipy.special import softmax

    from facial_emotion.deep.loop import predict
    from facial_emotion.evaluation.parity import EXACT, parity

    return parity(EXACT, softmax(predict(model, crops), axis=1), softmax(run_onnx(exported, crops), axis=1), labels)


def calibrate(scores: onnx.ModelProto, crops: np.ndarray, labels: np.ndarray) -> bytes:
    """Append vector scaling, fitted on these crops and labels, and softmax to a network that outputs ``scores``.

    Returns the serialised model: crops uint8 (n, 48, 48) -> probabilities float32 (n, 7).
    """
    from facial_emotion.evaluation import calibration

    fitted = calibration.vector(run_onnx(scores, crops), labels)
    constants = [
        numpy_helper.from_array(np.diag(fitted.weights), "calibration weights"),
        numpy_helper.from_array(fitted.bias, "calibration bias"),
    ]
    output_nodes = [
        helper.make_node("Mul", ["scores", "calibration weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "calibration bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = scores.graph
    model = assemble([*graph.node, *output_nodes], [*graph.initializer, *constants], "probabilities")
    return bytes(model.SerializeToString())


def assemble(nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], output: str) -> onnx.ModelProto:
    """A valid ONNX model of these nodes and constants: crops uint8 (n, 48, 48) -> output float32 (n, 7)."""
    inputs = [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", 48, 48])]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", len(EMOTIONS)])]
    graph = helper.make_graph(nodes, f"crops to {output}", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return model
