"""An ensemble says what its members say together, and only of the models that it was made of."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from scipy.special import log_softmax

from facial_emotion import artifact, ensemble, paths, recognizers, threads
from facial_emotion.classical import inference
from facial_emotion.commands import train
from facial_emotion.errors import InputError
from facial_emotion.features.landmarks import find_landmarks
from facial_emotion.records import FileInfo, Member
from tests import made

HEADS = ("svm", "svm-ferplus")  # of one model


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two trained models in a folder of their own."""
    for name in ("lightgbm", "xgboost"):
        shutil.copytree(paths.SHIPPED / name, tmp_path / name)
    return tmp_path


def write(root: Path, name: str, members: list[tuple[str, float, bool]]) -> None:
    listed = []
    for member, weight, mirrored in members:
        file = recognizers.card(member, root).files.get(artifact.MODEL, FileInfo("0" * 64, 0))
        listed.append(Member(member, mirrored, weight, file.sha256, file.size))
    artifact.write(root / name, None, made.card(track="ensemble", members=listed))


def test_it_pools_what_its_members_say(root: Path, crops: np.ndarray) -> None:
    write(root, "both", [("lightgbm", 0.75, False), ("xgboost", 0.5, True)])
    one = recognizers.load("lightgbm", root=root).predict_proba(crops).astype(float)
    other = recognizers.load("xgboost", root=root).predict_proba(np.ascontiguousarray(crops[:, :, ::-1])).astype(float)
    product = one**0.75 * other**0.5
    both = recognizers.load("both", root=root)
    np.testing.assert_allclose(both.predict_proba(crops), product / product.sum(axis=1, keepdims=True), atol=1e-5)
    assert [name for name, _ in both.steps] == ["begin", "lightgbm", "xgboost mirrored", "pool"]
    assert artifact.size(both.card) == sum(path.stat().st_size for path in root.glob("*/model.onnx"))


def test_what_members_have_in_common_is_computed_once(
    root: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def find(some: np.ndarray) -> np.ndarray:
        seen.append(len(some))
        return find_landmarks(some)

    monkeypatch.setattr(inference, "find_landmarks", find)
    write(root, "three", [("lightgbm", 0.4, False), ("xgboost", 0.3, False), ("lightgbm", 0.3, True)])
    recognizers.load("three", root=root).predict_proba(crops[:5])
    assert seen == [5, 5]  # of the crops, and of the mirrored crops


def test_two_heads_of_one_model_are_held_and_run_once(
    tmp_path: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in HEADS:
        shutil.copytree(paths.SHIPPED / name, tmp_path / name)
    file = recognizers.card("svm", tmp_path).files[artifact.MODEL]
    members = [Member(name, False, 0.5, file.sha256, file.size) for name in HEADS]
    card = artifact.write(tmp_path / "both", None, made.card(track="ensemble", members=members))
    both, model, runs = recognizers.load("both", root=tmp_path), threads.Heads.__call__, []

    def run(heads: threads.Heads, values: np.ndarray) -> dict[str, np.ndarray]:
        runs.append(heads)
        return model(heads, values)

    monkeypatch.setattr(threads.Heads, "__call__", run)
    labels, people = (recognizers.load(name, root=tmp_path).predict_proba(crops).astype(float) for name in HEADS)
    assert runs[0] is runs[1]
    runs.clear()
    product = np.sqrt(labels * people)
    np.testing.assert_allclose(both.predict_proba(crops), product / product.sum(axis=1, keepdims=True), atol=1e-5)
    assert len(runs) == 1
    assert artifact.size(card) == file.size


def test_a_mirrored_member_makes_faces_and_mirrored_faces_alike(root: Path, crops: np.ndarray) -> None:
    write(root, "turned", [("lightgbm", 0.5, False), ("lightgbm", 0.5, True)])
    turned = recognizers.load("turned", root=root)
    there, back = turned.predict_proba(crops), turned.predict_proba(np.ascontiguousarray(crops[:, :, ::-1]))
    np.testing.assert_allclose(there, back, atol=1e-6)


def test_a_member_that_was_trained_anew_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "ARTIFACTS", (root,))
    write(root, "both", [("lightgbm", 0.5, False), ("xgboost", 0.5, False)])
    card = recognizers.card("lightgbm", root)
    artifact.write(root / "lightgbm", b"another model", card)
    with pytest.raises(InputError, match=r"both: expected lightgbm \w{12}…, found \w{12}…; it was trained anew"):
        recognizers.load("both", root=root)
    shutil.rmtree(root / "xgboost")
    shutil.rmtree(root / "lightgbm")
    with pytest.raises(InputError, match="model: expected one of both, found 'lightgbm'"):
        recognizers.load("both", root=root)


def test_an_ensemble_of_ensembles_is_refused(root: Path) -> None:
    write(root, "one", [("lightgbm", 1.0, False)])
    write(root, "two", [("one", 1.0, False)])
    with pytest.raises(InputError, match="two: expected members with a model of their own, found one, an ensemble"):
        recognizers.load("two", root=root)


ONE_HOT = np.eye(7)


def noisy(labels: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """Log-probabilities (n, 7) of a made-up member that is right as far as its strength goes."""
    scores = np.random.default_rng(seed).normal(0, 1, (len(labels), 7))
    scores[np.arange(len(labels)), labels] += strength
    result: np.ndarray = log_softmax(scores * strength, axis=1)
    return result


def test_weights_are_those_of_the_least_log_loss() -> None:
    labels = np.random.default_rng(0).integers(0, 7, 4000)
    logs = np.stack([noisy(labels, 2.0, 1), noisy(labels, 1.0, 2)])
    # Independent members with normal scores: Bayes' rule weighs each log-likelihood by one.
    np.testing.assert_allclose(ensemble.fit_weights(logs, ONE_HOT[labels]), [1, 1], atol=0.12)


def test_rows_weigh_what_their_targets_sum_to() -> None:
    labels = np.random.default_rng(0).integers(0, 7, 2000)
    logs = np.stack([noisy(labels, 2.0, 1), noisy(labels, 1.0, 2)])
    targets = ONE_HOT[labels] * np.where(np.arange(2000) < 1000, 0.5, 0)[:, None]
    expected = ensemble.fit_weights(logs[:, :1000], ONE_HOT[labels[:1000]])
    np.testing.assert_allclose(ensemble.fit_weights(logs, targets), expected, rtol=1e-3)


def test_a_member_that_knows_nothing_is_left_out() -> None:
    labels = np.random.default_rng(0).integers(0, 7, 2000)
    guess = np.random.default_rng(3).normal(0, 1, (2000, 7))
    members = {
        ("good", False): noisy(labels, 2.0, 1),
        ("good", True): noisy(labels, 2.0, 2),
        ("guess", False): log_softmax(guess, axis=1),
    }
    weights = ensemble.choose(members, ONE_HOT[labels])
    assert set(weights) == {("good", False), ("good", True)}
    assert weights["good", False] == weights["good", True] > 0.5


def test_the_command_writes_a_recognizer(
    small_csv: Path, root: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "ARTIFACTS", (root,))
    monkeypatch.setattr(paths, "NEW_ARTIFACTS", root)
    train.main.main(["ensemble", "pair", "--data", str(small_csv), "--mirrored"], standalone_mode=False)
    card = recognizers.card("pair", root)
    assert {member.name for member in card.members} <= {"lightgbm", "xgboost"}
    assert card.training["command"] == "facial-emotion train ensemble pair --mirrored"
    assert card.metrics["PrivateTest"].rows == 56
    assert recognizers.load("pair", root=root).predict_proba(crops[:2]).shape == (2, 7)


def with_second_output(folder: Path) -> None:
    """Let a model answer as people would, too, with the same probabilities, as a second recognizer."""
    model = onnx.load(folder / artifact.MODEL)
    first, second = artifact.OUTPUTS["fer2013"], artifact.OUTPUTS["people"]
    model.graph.node.append(onnx.helper.make_node("Identity", [first], [second]))
    model.graph.output.append(onnx.helper.make_tensor_value_info(second, onnx.TensorProto.FLOAT, ["n", 7]))
    card = artifact.read_card(folder)
    typical = {artifact.TYPICAL: artifact.read_file(folder, card, artifact.TYPICAL)}
    card = artifact.write(folder, model.SerializeToString(), card, typical)
    other = folder.with_name(f"{folder.name}-ferplus")
    artifact.write(other, None, dataclasses.replace(card, labels="people", model_of=folder.name))


def test_an_ensemble_by_peoples_votes_takes_the_models_that_answer_so(
    voted_csv: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "ARTIFACTS", (root,))
    monkeypatch.setattr(paths, "NEW_ARTIFACTS", root)
    words = ["ensemble", "--data", str(voted_csv), "--labels", "people"]
    with pytest.raises(InputError, match="expected a trained model that answers with the labels people, found none"):
        train.main.main(words, standalone_mode=False)
    with_second_output(root / "lightgbm")
    train.main.main(words, standalone_mode=False)
    made = recognizers.card("ensemble-ferplus", root)
    assert (made.labels, [member.name for member in made.members]) == ("people", ["lightgbm-ferplus"])
    assert made.people["PrivateTest"].choice.rows == 56
    assert recognizers.with_labels("ensemble-ferplus", "people", root) == "ensemble-ferplus"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ensemble", "--members", "svm,svn"], "--members: expected some of .*svm.*, found 'svn'"),
        (["svm"], "name: expected one that no trained model has, found 'svm'"),
    ],
)
def test_wrong_names_are_refused(words: list[str], message: str, small_csv: Path) -> None:
    with pytest.raises(InputError, match=message):
        train.main.main(["ensemble", *words, "--data", str(small_csv)], standalone_mode=False)


def test_help_comes_at_once() -> None:
    heavy = "import sys, facial_emotion.commands.train; print({'numpy', 'scipy', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
