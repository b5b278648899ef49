"""What the tests share: FER2013 where it is, and a small made-up data set where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from facial_emotion import artifact, examples, paths
from facial_emotion.data import csv_form, fer2013
from facial_emotion.data.ferplus import FILE_NAME, OTHER_COLUMNS
from facial_emotion.features.crops import crop_faces
from facial_emotion.features.faces import find_faces
from tests import made
from tests.attacks import pytest_runtest_setup, pytest_terminal_summary, whole  # noqa: F401 (hooks, a fixture)

settings.register_profile("untimed", deadline=None)  # a first call imports; a busy machine is slow
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def real_path() -> Path:
    """FER2013 itself, named by the environment variable FER2013."""
    path = os.environ.get("FER2013")
    if not path:
        pytest.skip("needs FER2013: make test-all DATA=PATH")
    return Path(path)


@pytest.fixture(scope="session")
def real(real_path: Path) -> fer2013.Fer2013:
    return fer2013.load(real_path)


@pytest.fixture(scope="session")
def crops() -> np.ndarray:
    """101 real faces as crops: the example's, and 100 of Labeled Faces in the Wild that come with scikit-image."""
    import cv2
    from skimage.data import lfw_subset

    first = crop_faces(examples.frame(), find_faces(examples.frame()))
    small = [
        cv2.resize((face * 255).astype(np.uint8), (48, 48), interpolation=cv2.INTER_CUBIC)
        for face in lfw_subset()[:100]
    ]
    return np.concatenate([first, np.stack(small)])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(paths, "CACHE", folder)
    return folder


@pytest.fixture(scope="session")
def small(crops: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A made-up data set: 280 embedded faces, darker or lighter by label, with all seven labels in each split."""
    rows = 280
    labels = np.arange(rows) % 7
    shade = 0.4 + 0.1 * labels[:, None, None]
    noise = np.random.default_rng(0).normal(0, 6, (rows, 48, 48))
    made = np.clip(crops[np.arange(rows) // 7] * shade + noise, 0, 255).astype(np.uint8)
    splits = np.repeat([0, 1, 2], [168, 56, 56]).astype(np.uint8)
    return made, labels.astype(np.int64), splits


@pytest.fixture(scope="session")
def small_csv(small: tuple[np.ndarray, np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "fer2013.csv"
    path.write_text(csv_text(*small))
    return path


@pytest.fixture
def voted_csv(small_csv: Path, tmp_path: Path) -> Path:
    """A copy of the small data set with FER+ votes beside it: most for the label, some for any of the ten answers."""
    path = tmp_path / "voted" / small_csv.name
    path.parent.mkdir()
    path.write_bytes(small_csv.read_bytes())
    write_votes(path)
    return path


def write_votes(path: Path) -> None:
    """Write made FER+ votes beside a data set."""
    import pandas as pd

    labels = np.asarray(fer2013.load(path).labels)
    votes = np.random.default_rng(0).multinomial(4, [0.1] * 10, size=len(labels))
    votes[np.arange(len(labels)), labels] += 6
    columns = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", *OTHER_COLUMNS)
    pd.DataFrame(votes, columns=columns).to_csv(path.with_name(FILE_NAME), index=False)


Small = tuple[np.ndarray, np.ndarray, np.ndarray]  # crops, labels, split codes

# The models that the repository ships. Others, that somebody trained, fail no test: none but their contract is tested.
SHIPPED = (
    *("classical", "cnn", "cnn-balanced", "cnn-ferplus", "dlib-resnet", "dlib-resnet-ferplus", "ensemble"),
    *("ensemble-balanced", "ensemble-ferplus", "lightgbm", "svm", "svm-balanced", "svm-ferplus"),
    *("vgg16", "vgg16-ferplus", "xgboost"),
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of artifacts with one model, ``tiny``: the brighter a crop, the happier."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    root = tmp_path_factory.mktemp("artifacts")
    slope = np.zeros((1, 7), dtype=np.float32)
    slope[0, 3] = 0.05
    nodes = [
        helper.make_node("Cast", ["crops"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "slope"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", 48, 48])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 7])],
        [numpy_helper.from_array(slope, "slope"), numpy_helper.from_array(np.array([1]), "last")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    artifact.write(root / "tiny", model.SerializeToString(), made.card())
    return root


def csv_text(crops: np.ndarray, labels: np.ndarray, splits: np.ndarray, header: str = "emotion,pixels,Usage") -> str:
    """FER2013 in Kaggle's CSV form."""
    lines = [header]
    for crop, label, split in zip(crops, labels, splits, strict=True):
        lines.append(f"{label},{' '.join(map(str, crop.ravel()))},{csv_form.SPLITS[split]}")
    return "\n".join(lines) + "\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of a folder, so that no file has to."""
    for item in items:
        folder = item.path.parent.name
        if folder == "browser":
            item.add_marker(pytest.mark.browser)
        slow_files = (
            "test_compare.py",
            "test_damaged.py",
            "test_ensemble.py",
            "test_explain.py",
            "test_package.py",
            "test_recognizers.py",
        )
        if folder in ("deep", "classical", "workshop", "serving", "batch", "views") or item.path.name in slow_files:
            item.add_marker(pytest.mark.slow)
        if folder in ("deep", "classical", "workshop") or item.path.name == "test_contributing.py":
            item.add_marker(pytest.mark.training)
        if "real_path" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.data)
        if item.path.name == "test_cluster.py":
            item.add_marker(pytest.mark.cluster)
