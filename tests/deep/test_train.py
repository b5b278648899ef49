"""Trainings from the data file to a recognizer: whole, killed, stopped, and begun wrongly."""

from __future__ import annotations

import importlib.util
import json
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion import recognizers
from facial_emotion.data import fer2013
from facial_emotion.deep import teacher
from facial_emotion.errors import InputError
from tests.deep.conftest import RECIPE, WAIT, Command, one_line


def finished(program) -> str:
    out, error = program.communicate(timeout=WAIT)
    assert program.returncode == 0, error
    return out


def same_weights(first: Path, second: Path) -> None:
    for name in ("last.npz", "best.npz"):
        with np.load(first / name) as one, np.load(second / name) as other:
            assert one.files == other.files
            for key in one.files:
                if key != "about":  # it holds the minutes that were taken
                    np.testing.assert_array_equal(one[key], other[key], err_msg=f"{name} {key}")


def wait_for(path: Path, program) -> None:
    for _ in range(20 * WAIT):
        if path.exists():
            return
        assert program.poll() is None, program.communicate()[1]
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


def test_a_killed_training_ends_as_one_that_was_not(
    small_csv: Path, recipe: Path, start: Command, tmp_path: Path, crops: np.ndarray
) -> None:
    out = tmp_path / "artifacts" / "my-cnn"
    words = ("train", "cnn", "--data", small_csv, "--recipe", recipe, "--out", out)
    said = finished(start(*words, "--checkpoints", tmp_path / "whole"))
    assert "epoch 4: loss " in said
    assert "PrivateTest: accuracy " in said

    broken = tmp_path / "broken"
    program = start(*words, "--checkpoints", broken)
    wait_for(broken / "last.npz", program)
    time.sleep(random.uniform(0, 1))
    program.kill()
    program.communicate()
    (broken / "log.csv").unlink(missing_ok=True)
    program = start(*words, "--checkpoints", broken, "--resume")
    wait_for(broken / "log.csv", program)
    time.sleep(random.uniform(0, 0.3))
    program.send_signal(signal.SIGINT)
    program.communicate()
    assert program.returncode in (0, 130, -signal.SIGINT)
    finished(start(*words, "--checkpoints", broken, "--resume"))
    same_weights(tmp_path / "whole", broken)
    assert {path.name for path in broken.iterdir()} == {"last.npz", "best.npz", "log.csv", "curves.png", "tensorboard"}
    assert len((broken / "log.csv").read_text().splitlines()) == 1 + 4

    recognizer = recognizers.load("my-cnn", root=out.parent)
    training = recognizer.card["training"]
    assert training["recipe"] == RECIPE
    assert training["data_hash"] == fer2013.load(small_csv).hash
    assert recognizer.card["parity"]["largest_difference"] < 1e-4
    np.testing.assert_allclose(recognizer.predict_proba(crops[:5]).sum(axis=1), 1, atol=1e-5)


def test_a_training_in_mixed_precision_is_exported_in_single(
    small_csv: Path, recipe: Path, start: Command, tmp_path: Path
) -> None:
    mixed = {**RECIPE, "stages": [{"epochs": 2, "rate": 0.1}], "precision": "mixed_bfloat16"}
    recipe.write_text(json.dumps(mixed))
    out = tmp_path / "artifacts" / "mixed"
    words = ("train", "cnn", "--data", small_csv, "--recipe", recipe, "--out", out)
    finished(start(*words, "--checkpoints", tmp_path / "checkpoints"))
    parity = recognizers.card("mixed", root=out.parent)["parity"]
    assert parity["largest_difference"] < 1e-4
    assert parity["same_labels"] == 1


def test_ctrl_c_saves_within_an_epoch(small_csv: Path, recipe: Path, start: Command, tmp_path: Path) -> None:
    recipe.write_text(json.dumps({**RECIPE, "stages": [{"epochs": 400, "rate": 0.1}]}))
    program = start(
        *(
            "facial_emotion",
            "train",
            "cnn",
            "--data",
            small_csv,
            "--recipe",
            recipe,
            "--checkpoints",
            tmp_path / "checkpoints",
        )
    )
    wait_for(tmp_path / "checkpoints" / "curves.png", program)
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=WAIT)
    assert program.returncode == 130, said
    assert said.rstrip().endswith("stopped")
    assert "saved: go on with --resume" in said
    assert not list((tmp_path / "checkpoints").glob("*.part"))


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_trains_too(
    backend: str, small_csv: Path, recipe: Path, start: Command, tmp_path: Path
) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}: pip install {backend}")
    recipe.write_text(json.dumps({**RECIPE, "stages": [{"epochs": 1, "rate": 0.1}], "sides": [[0, 48]]}))
    words = (
        "facial_emotion",
        "train",
        "cnn",
        "--data",
        small_csv,
        "--recipe",
        recipe,
        "--checkpoints",
        tmp_path / "checkpoints",
    )
    said = one_line(start(*words, KERAS_BACKEND=backend))  # it trains; only TensorFlow exports
    assert f"export: expected KERAS_BACKEND=tensorflow, found {backend}" in said
    with np.load(tmp_path / "checkpoints" / "best.npz") as kept:
        assert all(np.isfinite(kept[key]).all() for key in kept.files)
    finished(start(*words, "--resume", "--out", tmp_path / "artifacts" / "elsewhere"))


def test_a_wrong_backend_is_said_in_one_line(small_csv: Path, recipe: Path, start: Command) -> None:
    words = ("train", "cnn", "--data", small_csv, "--recipe", recipe)
    said = one_line(start(*words, KERAS_BACKEND="tensorflo"))
    assert said == "error: KERAS_BACKEND: expected one of tensorflow, jax, torch, found 'tensorflo'"


def test_what_is_not_of_this_training_is_refused(small_csv: Path, recipe: Path, start: Command, tmp_path: Path) -> None:
    recipe.write_text(json.dumps({**RECIPE, "stages": [{"epochs": 1, "rate": 0.1}], "sides": [[0, 48]]}))
    words = (
        "facial_emotion",
        "train",
        "cnn",
        "--data",
        small_csv,
        "--recipe",
        recipe,
        "--checkpoints",
        tmp_path / "checkpoints",
    )
    assert "expected a checkpoint, found nothing there; start without --resume" in one_line(start(*words, "--resume"))
    mine = tmp_path / "artifacts" / "mine"
    finished(start(*words, "--out", mine, "--keep-weights"))
    first = recognizers.card("mine", mine.parent)
    finished(start(*words, "--out", mine, "--weights", mine / "weights.npz", "--keep-weights"))
    begun = recognizers.card("mine", mine.parent)["training"]["begun"]
    assert begun == {**begun, "sha256": first["files"]["weights.npz"]["sha256"], "training": first["training"]}

    recipe.write_text(json.dumps({**RECIPE, "batch": 32}))
    said = one_line(start(*words, "--resume"))
    assert "last.npz: expected a checkpoint of this training, found another recipe and weights; go on with " in said

    recipe.write_text(json.dumps({**RECIPE, "network": {**RECIPE["network"], "stem": [6, 8]}}))
    said = one_line(start(*words, "--weights", mine / "weights.npz"))
    assert "weights.npz: expected weights of the network cnn, as .weights.h5 or .npz, found " in said


def test_a_teacher_is_asked_once_and_named(small_csv: Path, recipe: Path, start: Command, tmp_path: Path) -> None:
    taught = {**RECIPE, "stages": [{"epochs": 1, "rate": 0.1}], "sides": [[0, 48]]}
    out, checkpoints = tmp_path / "artifacts" / "pupil", tmp_path / "checkpoints"
    words = (
        "facial_emotion",
        "train",
        "cnn",
        "--data",
        small_csv,
        "--recipe",
        recipe,
        "--out",
        out,
        "--checkpoints",
        checkpoints,
    )
    recipe.write_text(json.dumps({**taught, "teacher": {"model": "nobody", "share": 0.5}}))
    assert "model: expected one of " in one_line(start(*words))
    recipe.write_text(json.dumps({**taught, "teacher": {"model": "lightgbm", "share": 0.5}}))
    finished(start(*words))
    files = recognizers.card("lightgbm")["files"]
    assert recognizers.card("pupil", out.parent)["training"]["teacher"] == {"model": "lightgbm", "made_of": files}
    crops = fer2013.load(small_csv).split("Training").crops
    said, _ = teacher.kept(checkpoints)
    np.testing.assert_allclose(said, recognizers.load("lightgbm").predict_proba(crops), atol=1e-6)

    kept = (checkpoints / teacher.FILE).read_bytes()
    finished(start(*words, "--resume"))
    assert (checkpoints / teacher.FILE).read_bytes() == kept
    (checkpoints / teacher.FILE).write_bytes(kept[: len(kept) // 2])
    assert "teacher.npz: expected what the teacher said, found BadZipFile: " in one_line(start(*words, "--resume"))


@given(share=st.floats(0, 1), seed=st.integers(0, 100))
def test_taught_targets_are_shares(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, said = np.eye(7, dtype=np.float32)[rng.integers(0, 7, 9)], rng.dirichlet(np.ones(7), 9)
    blended = teacher.blend(labels, said, share)
    np.testing.assert_allclose(blended.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(blended - labels, share * (said - labels), atol=1e-6)
    with pytest.raises(InputError, match=r"expected probabilities \(9, 7\), found \(8, 7\)"):
        teacher.blend(labels, said[1:], share)


def test_weights_that_are_not_there_or_not_of_the_network(start: Command, small_csv: Path, tmp_path: Path) -> None:
    words = ("train", "vgg16", "--data", small_csv)
    offline = {"KERAS_HOME": str(tmp_path / "keras"), "https_proxy": "http://127.0.0.1:9"}
    said = one_line(start(*words, **offline))
    assert "ImageNet weights of VGG-16: expected an answer from Keras's server, found " in said
    assert said.endswith("name a file of them with --weights")
    text = tmp_path / "text.weights.h5"
    text.write_text("not weights")
    said = one_line(start(*words, "--weights", text))
    assert "text.weights.h5: expected weights of the network vgg16, as .weights.h5 or .npz, found " in said
    said = one_line(start(*words, "--weights", tmp_path / "none.weights.h5"))
    assert "none.weights.h5: expected a file of weights, found nothing there" in said


def test_tuning_goes_on_where_it_stopped(small_csv: Path, recipe: Path, start: Command, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.json"
    words = (
        "facial_emotion",
        "tune",
        "cnn",
        "--data",
        small_csv,
        "--recipe",
        recipe,
        "--out",
        chosen,
        "--rows",
        64,
        "--epochs",
        1,
    )
    finished(start(*words, "--trials", 1))
    finished(start(*words, "--trials", 2))
    tuned = json.loads(chosen.read_text())
    assert (tuned["tuning"]["trials"], tuned["tuning"]["rows"]) == (2, 64)
    assert tuned["stages"][0]["epochs"] == RECIPE["stages"][0]["epochs"]
    assert tuned["sides"] == RECIPE["sides"]
