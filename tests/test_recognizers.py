"""One contract for every recognizer that there is."""

from __future__ import annotations

import pickle
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnx
import onnxruntime
import pytest

from facial_emotion import artifact, examples, paths, recognizers, scene
from facial_emotion.commands import options
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.threads import CPU
from tests.conftest import SHIPPED

pytestmark = pytest.mark.filterwarnings("error")


@cache
def loaded(name: str) -> recognizers.Recognizer:
    return recognizers.load(name)


@pytest.fixture(params=recognizers.names())
def recognizer(request: pytest.FixtureRequest) -> recognizers.Recognizer:
    return loaded(request.param)


def test_probabilities_have_their_form(recognizer: recognizers.Recognizer, crops: np.ndarray) -> None:
    found = recognizer.predict_proba(crops)
    assert found.shape == (len(crops), len(EMOTIONS))
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_a_models_other_labels_are_another_recognizer(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "tiny", tmp_path / "tiny")
    card = recognizers.card("tiny", tmp_path)
    with pytest.raises(InputError, match=r"expected fer2013, which tiny answers with, found 'people'; .* people: none"):
        recognizers.with_labels("tiny", "people", tmp_path)
    artifact.write(tmp_path / "tiny-ferplus", None, replace(card, labels="people", model_of="tiny"))
    assert recognizers.with_labels("tiny", "people", tmp_path) == "tiny-ferplus"
    assert recognizers.with_labels("tiny-ferplus", "fer2013", tmp_path) == "tiny"
    assert recognizers.with_labels("tiny", "fer2013", tmp_path) == "tiny"


def test_a_recognizer_that_was_pickled_answers_the_same(tiny: Path, crops: np.ndarray) -> None:
    recognizer = recognizers.load("tiny", threads=1, root=tiny)
    again = pickle.loads(pickle.dumps(recognizer))
    assert (again.name, again.threads, again.folder) == ("tiny", 1, tiny / "tiny")
    np.testing.assert_array_equal(again.predict_proba(crops), recognizer.predict_proba(crops))


@pytest.mark.attack("hidden folders of artifacts", "no models")
def test_hidden_folders_are_no_models(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "tiny", tmp_path / ".tiny-scratch")
    assert recognizers.names(tmp_path) == []


def with_external_data(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    tensor.data_location = onnx.TensorProto.EXTERNAL


def with_another_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "pictures"


@pytest.mark.attack("a model that is none", "one line")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_external_data, "tiny: expected a model with its data in it, found data in another file"),
        (with_another_input, "tiny: expected an ONNX model from 'crops' to 'probabilities', found pictures to "),
        (lambda model: model.graph.ClearField("node"), "tiny: expected an ONNX model, found "),
        (lambda model: model.graph.node[0].ClearField("op_type"), "tiny: expected an ONNX model, found "),
    ],
)
def test_a_model_that_is_none_is_one_line(
    change: Callable[[onnx.ModelProto], None], said: str, tiny: Path, tmp_path: Path
) -> None:
    model = onnx.load(tiny / "tiny" / artifact.MODEL)
    change(model)
    artifact.write(tmp_path / "tiny", model.SerializeToString(), recognizers.card("tiny", tiny))
    with pytest.raises(InputError) as caught:
        recognizers.load("tiny", root=tmp_path)
    assert str(caught.value).startswith(said)


@pytest.mark.attack("a model of other landmarks", "refused")
def test_a_model_of_other_landmarks_is_refused(tmp_path: Path) -> None:
    shutil.copytree(paths.SHIPPED / "lightgbm", tmp_path / "lightgbm")
    card = replace(recognizers.card("lightgbm", tmp_path), landmarks="0" * 64)
    artifact.write_card(tmp_path / "lightgbm", card)
    with pytest.raises(InputError, match="lightgbm: expected landmarks 000000000000…, found "):
        recognizers.load("lightgbm", root=tmp_path)


def test_an_empty_batch_gives_no_rows(recognizer: recognizers.Recognizer, crops: np.ndarray) -> None:
    found = recognizer.predict_proba(crops[:0])
    assert found.shape == (0, 7)
    assert found.dtype == np.float32


def test_a_batch_gives_what_single_crops_give(recognizer: recognizers.Recognizer, crops: np.ndarray) -> None:
    alone = np.concatenate([recognizer.predict_proba(crop[None]) for crop in crops[:24]])
    np.testing.assert_allclose(recognizer.predict_proba(crops[:24]), alone, atol=1e-5)


@pytest.mark.release
@pytest.mark.parametrize("name", SHIPPED)
def test_the_portrait_smiles(name: str, crops: np.ndarray) -> None:
    assert EMOTIONS[loaded(name).predict_proba(crops[:1])[0].argmax()] == "happy"


def test_eight_threads_give_what_one_gives(recognizer: recognizers.Recognizer, crops: np.ndarray) -> None:
    parts = [crops[start : start + 3] for start in range(0, 48, 3)]
    expected = [recognizer.predict_proba(part) for part in parts]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(recognizer.predict_proba, parts * 2))
    for got, wanted in zip(found, expected * 2, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.zeros((48, 48), np.uint8), r"uint8, shape \(48, 48\)"),
        (np.zeros((2, 48, 48), np.float32), "float32"),
        (np.zeros((2, 64, 64), np.uint8), r"shape \(2, 64, 64\)"),
        (np.zeros((2, 48, 48, 3), np.uint8), r"shape \(2, 48, 48, 3\)"),
        ([[1, 2]], "list"),
    ],
)
def test_what_is_no_batch_of_crops_is_refused(recognizer: recognizers.Recognizer, wrong: object, said: str) -> None:
    with pytest.raises(InputError, match=rf"crops: expected a uint8 array, shape \(n, 48, 48\), found .*{said}"):
        recognizer.predict_proba(wrong)  # type: ignore[arg-type]


@pytest.mark.release
@pytest.mark.parametrize("name", SHIPPED)
def test_cards_say_how_good_and_how_made(name: str) -> None:
    card = loaded(name).card
    for split in ("PublicTest", "PrivateTest"):
        figures = card.metrics[split]
        assert figures.rows == 3589
        assert all(figures.per_class[emotion].recall > 0 for emotion in EMOTIONS)
    assert len(card.training["data_hash"]) == 64
    assert {"seed", "versions"} <= set(card.training)


@pytest.mark.release
@pytest.mark.parametrize("name", SHIPPED)
def test_recorded_figures_are_reproduced(name: str, real: Fer2013) -> None:
    """The first 400 rows of PublicTest are recognised about as well as the card says of all."""
    split, recognizer = real.split("PublicTest"), loaded(name)
    found = recognizer.predict_proba(np.asarray(split.crops[:400])).argmax(axis=1)
    accuracy = (found == split.labels[:400]).mean()
    assert accuracy == pytest.approx(recognizer.card.metrics["PublicTest"].accuracy, abs=0.07)


@pytest.mark.release
def test_the_shipped_artifacts_are_small_enough() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "artifacts"], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    if not listed.stdout:
        pytest.skip("needs a checkout by git, which knows what is shipped")
    assert sum((paths.ROOT / name).stat().st_size for name in listed.stdout.splitlines()) <= 95e6


def test_names_are_the_folders_with_a_card(tiny: Path, tmp_path: Path) -> None:
    assert recognizers.names(tmp_path) == []
    source = tiny / "tiny"
    shutil.copytree(source, tmp_path / "my-svm")
    (tmp_path / "results").mkdir()
    assert recognizers.names(tmp_path) == ["my-svm"]
    assert recognizers.load("my-svm", root=tmp_path).name == "my-svm"
    with pytest.raises(InputError, match="model: expected one of my-svm, found 'svn'"):
        recognizers.load("svn", root=tmp_path)
    shutil.copytree(source, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.onnx").write_bytes(b"something else")
    with pytest.raises(InputError, match=r"model\.onnx: expected SHA-256"):
        recognizers.load("damaged", root=tmp_path)


def test_an_ensemble_shares_its_members_with_whoever_uses_them(crops: np.ndarray) -> None:
    names = {member.name for member in recognizers.card("ensemble").members}
    members = [recognizers.load(name) for name in names]
    with patch("facial_emotion.artifact.read_model", side_effect=AssertionError("read again")):
        ensemble = recognizers.load("ensemble")
        assert all(recognizers.load(name) is member for name, member in zip(names, members, strict=True))
    assert ensemble.predict_proba(crops[:2]).shape == (2, 7)
    assert recognizers.load(members[0].name, threads=1) is not members[0]


def test_a_recognizer_describes_itself_in_a_line(recognizer: recognizers.Recognizer) -> None:
    assert len(repr(recognizer)) < 200
    shown = f"accuracy on PrivateTest {recognizer.card.own('PrivateTest').accuracy:.1%}"
    assert shown in repr(recognizer)
    assert shown.split()[-1] in recognizer._repr_html_()


def test_labels_are_predicted_as_scikit_learn_does(tiny: Path, crops: np.ndarray) -> None:
    recognizer = recognizers.load("tiny", root=tiny)
    assert recognizer.classes_.tolist() == list(EMOTIONS)
    expected = recognizer.classes_[recognizer.predict_proba(crops).argmax(axis=1)]
    assert recognizer.predict(crops).tolist() == expected.tolist()
    assert recognizer.predict(crops[:0]).shape == (0,)


def test_one_model_is_the_default_everywhere() -> None:
    assert recognizers.load().name == recognizers.DEFAULT == options.DEFAULT_MODEL
    assert scene.faces_in(examples.portrait()) == scene.faces_in(examples.portrait(), recognizers.load())
    assert recognizers.default(recognizers.names(), {}) == recognizers.DEFAULT
    assert recognizers.default(["cnn"], {}) == "cnn"


def test_providers_that_are_not_there_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"providers: expected some of .*CPUExecutionProvider, found NoneProvider; inst"
    ):
        recognizers.load(providers=["NoneProvider"])
    for wrong in ("CPUExecutionProvider", [("CPUExecutionProvider", {"device_id": 0})]):
        with pytest.raises(InputError, match="providers: expected a list of names"):
            recognizers.load(providers=wrong)  # type: ignore[arg-type]


def test_a_provider_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["IdleProvider", *CPU])
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *given, providers: session(*given, providers=CPU))
    with pytest.raises(
        InputError, match="providers: expected IdleProvider to start, found drivers or a device missing"
    ):
        recognizers.load(providers=["IdleProvider", *CPU])


@pytest.mark.parametrize("name", ["cnn-ferplus", "lightgbm", "ensemble-ferplus"])
def test_other_providers_answer_alike(name: str, crops: np.ndarray) -> None:
    others = set(onnxruntime.get_available_providers()) - {"CPUExecutionProvider", "AzureExecutionProvider"}
    if not others:
        pytest.skip("this ONNX Runtime computes on the CPU alone")
    expected = recognizers.load(name).predict_proba(crops)
    for provider in others:
        again = pickle.loads(pickle.dumps(recognizers.load(name, providers=[provider, *CPU])))
        assert again.providers[0] == provider
        np.testing.assert_allclose(again.predict_proba(crops), expected, atol=5e-3)


def test_the_library_logs_and_prints_nothing(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(tiny / "tiny", tmp_path / "tiny")
    with caplog.at_level("DEBUG", "facial_emotion"):
        scene.faces_in(examples.portrait(), recognizers.load("tiny", root=tmp_path))
    assert [record.message.rpartition(" in ")[0] for record in caplog.records] == [f"loaded tiny from {tmp_path}"]
    assert capsys.readouterr() == ("", "")
