"""Export of a Keras network to ONNX, comparison of the two on real crops, and calibrated outputs."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.artifact import OUTPUTS
from facial_emotion.deep.loop import predict
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Json
from facial_emotion.threads import onnx_session
from facial_emotion.training.parity import EXACT, parity

if TYPE_CHECKING:
    import keras

    from facial_emotion.training.calibrate import Calibration

PARITY_ROWS = 512  # crops on which the exported network is compared with Keras
_OPSET = 17
_IR_VERSION = 8


def to_onnx(model: keras.Model) -> onnx.ModelProto:
    """Export a network to ONNX in single precision: crops uint8 (n, 48, 48) -> scores float32 (n, heads, 7).

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
    constants = [*graph.initializer, numpy_helper.from_array(np.array([-1]), "last axis")]
    return assemble([*input_nodes, *graph.node, output_node], constants, {"scores": model.output_shape})


def run_onnx(model: onnx.ModelProto | bytes, crops: np.ndarray, output: str = "scores") -> np.ndarray:
    """An output float32 (n, ...) of an exported network on crops uint8 (n, 48, 48)."""

    content = model if isinstance(model, bytes) else model.SerializeToString()
    session = onnx_session(content, threads=2)
    parts = np.array_split(crops, -(-len(crops) // 128))
    return np.concatenate([session.run([output], {"crops": part})[0] for part in parts])


def compare_with_keras(model: keras.Model, exported: onnx.ModelProto, crops: np.ndarray, labels: np.ndarray) -> Json:
    """Compare an exported network with the original on crops uint8 (n, 48, 48), with labels (n, heads).

    Raises InputError where they differ.
    """
    from scipy.special import softmax

    library, served = (
        softmax(scores, axis=2).reshape(-1, len(EMOTIONS))
        for scores in (predict(model, crops), run_onnx(exported, crops))
    )
    return parity(EXACT, library, served, labels.reshape(-1))


def append_calibrations(scores: onnx.ModelProto, heads: Sequence[str], calibrations: list[Calibration]) -> bytes:
    """Append each head's vector scaling and softmax to a network that outputs ``scores`` (n, heads, 7).

    Returns the serialised model: crops uint8 (n, 48, 48) -> probabilities float32 (n, 7), an output for each head.
    """

    nodes, constants = list(scores.graph.node), list(scores.graph.initializer)
    for index, (head, fitted) in enumerate(zip(heads, calibrations, strict=True)):
        constants += [
            numpy_helper.from_array(np.array(index), f"{head} index"),
            numpy_helper.from_array(np.diag(fitted.weights), f"{head} calibration weights"),
            numpy_helper.from_array(fitted.bias, f"{head} calibration bias"),
        ]
        nodes += [
            helper.make_node("Gather", ["scores", f"{head} index"], [f"{head} scores"], axis=1),
            helper.make_node("Mul", [f"{head} scores", f"{head} calibration weights"], [f"{head} weighted"]),
            helper.make_node("Add", [f"{head} weighted", f"{head} calibration bias"], [f"{head} logits"]),
            helper.make_node("Softmax", [f"{head} logits"], [OUTPUTS[head]], axis=1),
        ]
    model = assemble(nodes, constants, {OUTPUTS[head]: (None, len(EMOTIONS)) for head in heads})
    return bytes(model.SerializeToString())


def assemble(
    nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], outputs: Mapping[str, Sequence[int | None]]
) -> onnx.ModelProto:
    """A valid ONNX model of these nodes and constants, from crops uint8 (n, 48, 48) to float32 outputs.

    outputs: the shape of each by its name; the first dimension is free.
    """
    inputs = [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", 48, 48])]
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape[1:]]) for name, shape in outputs.items()
    ]
    graph = helper.make_graph(nodes, f"crops to {' and '.join(outputs)}", inputs, infos, constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return model
