"""Trainings from the data file to a recognizer: uninterrupted, killed and resumed, and with wrong input."""

from __future__ import annotations

import dataclasses
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
from facial_emotion.deep import distillation, train
from facial_emotion.deep.recipe import Recipe
from facial_emotion.errors import InputError
from facial_emotion.training.job import Job, recipe_of
from facial_emotion.training.recipe import checked
from tests.deep.conftest import RECIPE, WAIT, Command, Process, error_line


def output(program: Process) -> str:
    """The standard output of a program that exits with code 0."""
    out, errors = program.communicate(timeout=WAIT)
    assert program.returncode == 0, errors
    return out


def assert_same_weights(first: Path, second: Path) -> None:
    for name in ("last.npz", "best.npz"):
        with np.load(first / name) as one, np.load(second / name) as other:
            assert one.files == other.files
            for key in one.files:
                if key != "about":  # contains durations
                    np.testing.assert_array_equal(one[key], other[key], err_msg=f"{name} {key}")


def wait_for(path: Path, program: Process) -> None:
    for _ in range(20 * WAIT):
        if path.exists():
            return
        assert program.poll() is None, program.communicate()[1]
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


def test_a_killed_and_resumed_training_of_two_heads_on_teachers_views_ends_with_the_same_weights(
    voted_csv: Path, recipe: Path, start: Command, tmp_path: Path, crops: np.ndarray
) -> None:
    two_heads = {**RECIPE["heads"], "people": {"class_weight_power": 0.25, "label_smoothing": 0.0}}
    views = {"views": 3, "augment": {key: value for key, value in RECIPE["augment"].items() if key != "mixup"}}
    teacher = {"models": ["lightgbm", "svm-ferplus"], "shares": [0.7, 0.5], **views}
    settings = {**RECIPE, "heads": two_heads, "teacher": teacher}
    recipe.write_text(json.dumps(settings))
    out = tmp_path / "artifacts" / "my-cnn"
    words = ("train", "cnn", "--data", voted_csv, "--recipe", recipe, "--overwrite", "--out", out)
    log = output(start(*words, "--checkpoints", tmp_path / "uninterrupted"))
    assert "epoch 4: loss " in log
    assert "PrivateTest: accuracy " in log

    resumed = tmp_path / "resumed"
    program = start(*words, "--checkpoints", resumed)
    wait_for(resumed / "last.npz", program)
    time.sleep(random.uniform(0, 1))
    program.kill()
    program.communicate()
    (resumed / "log.csv").unlink(missing_ok=True)
    program = start(*words, "--checkpoints", resumed, "--resume")
    wait_for(resumed / "log.csv", program)
    time.sleep(random.uniform(0, 0.3))
    program.send_signal(signal.SIGINT)
    program.communicate()
    assert program.returncode in (0, 130, -signal.SIGINT)
    output(start(*words, "--checkpoints", resumed, "--resume"))
    assert_same_weights(tmp_path / "uninterrupted", resumed)
    assert {path.name for path in resumed.iterdir()} == {
        "last.npz",
        "best.npz",
        "teacher.npz",
        "log.csv",
        "curves.png",
        "tensorboard",
    }
    for predictions in distillation.read_teacher_predictions(resumed):
        assert not any(np.allclose(predictions[0], other) for other in predictions[1:])
    assert [one["labels"] for one in distillation.teacher_info(resumed)] == ["fer2013", "people"]
    assert len((resumed / "log.csv").read_text().splitlines()) == 1 + 4

    recognizer = recognizers.load("my-cnn", root=out.parent)
    training = recognizer.card.training
    assert training["recipe"] == dataclasses.asdict(checked(Recipe, settings, "recipe"))
    assert training["data_hash"] == fer2013.load(voted_csv).hash
    assert recognizer.card.parity is not None
    assert recognizer.card.parity["largest_difference"] < 1e-4
    people = recognizers.load("my-cnn-ferplus", root=out.parent)
    assert (recognizer.card.labels, people.card.labels, people.card.model_of) == ("fer2013", "people", "my-cnn")
    assert people.card.people["PrivateTest"].choice.rows > 0
    answers = [one.predict_proba(crops[:5]) for one in (recognizer, people)]
    np.testing.assert_allclose([answer.sum(axis=1) for answer in answers], 1, atol=1e-5)
    assert not np.allclose(answers[0], answers[1])

    output(start(*words[:-1], out.with_name("alone"), "--checkpoints", resumed, "--resume", "--labels", "people"))
    alone = recognizers.load("alone", root=out.parent)
    assert (alone.card.labels, alone.card.model_of) == ("people", None)
    np.testing.assert_array_equal(alone.predict_proba(crops[:5]), answers[1])
    assert "alone-ferplus" not in recognizers.names(out.parent)


def test_a_training_in_mixed_precision_is_exported_in_single(
    small_csv: Path, recipe: Path, start: Command, tmp_path: Path
) -> None:
    mixed = {**RECIPE, "stages": [{"epochs": 2, "learning_rate": 0.1}], "precision": "mixed_bfloat16"}
    recipe.write_text(json.dumps(mixed))
    out = tmp_path / "artifacts" / "mixed"
    words = ("train", "cnn", "--data", small_csv, "--recipe", recipe, "--out", out)
    output(start(*words, "--checkpoints", tmp_path / "checkpoints"))
    parity = recognizers.card("mixed", root=out.parent).parity
    assert parity is not None
    assert parity["largest_difference"] < 1e-4
    assert parity["same_labels"] == 1


def test_ctrl_c_saves_within_an_epoch(small_csv: Path, recipe: Path, start: Command, tmp_path: Path) -> None:
    recipe.write_text(json.dumps({**RECIPE, "stages": [{"epochs": 400, "learning_rate": 0.1}]}))
    program = start(
        *("train", "cnn", "--data", small_csv, "--recipe", recipe, "--checkpoints", tmp_path / "checkpoints")
    )
    wait_for(tmp_path / "checkpoints" / "curves.png", program)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=WAIT)
    assert program.returncode == 130, errors
    assert errors.rstrip().endswith("stopped")
    assert "saved: go on with --resume" in errors
    assert not list((tmp_path / "checkpoints").glob("*.part"))


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_train_too(backend: str, small_csv: Path, recipe: Path, start: Command, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}: pip install {backend}")
    network = {**RECIPE["network"], "stages": [[8, 1]]}
    one_epoch = {"stages": [{"epochs": 1, "learning_rate": 0.1}], "image_sizes": [[0, 48]], "network": network}
    recipe.write_text(json.dumps({**RECIPE, **one_epoch}))
    words = ("train", "cnn", "--data", small_csv, "--recipe", recipe, "--checkpoints", tmp_path / "checkpoints")
    error = error_line(start(*words, KERAS_BACKEND=backend))  # it trains; only TensorFlow exports
    assert f"export: expected KERAS_BACKEND=tensorflow, found {backend}" in error
    with np.load(tmp_path / "checkpoints" / "best.npz") as stored:
        assert all(np.isfinite(stored[key]).all() for key in stored.files)
    output(start(*words, "--resume", "--out", tmp_path / "artifacts" / "elsewhere"))


def test_an_unknown_backend_is_rejected(small_csv: Path, recipe: Path, start: Command) -> None:
    words = ("train", "cnn", "--data", small_csv, "--recipe", recipe)
    error = error_line(start(*words, KERAS_BACKEND="tensorflo"))
    assert error == "error: KERAS_BACKEND: expected one of tensorflow, jax, torch, found 'tensorflo'"


def test_weights_and_checkpoints_of_another_training_are_rejected(
    small_csv: Path, recipe: Path, start: Command, tmp_path: Path
) -> None:
    recipe.write_text(json.dumps({**RECIPE, "stages": [{"epochs": 1, "learning_rate": 0.1}], "image_sizes": [[0, 48]]}))
    words = ("train", "cnn", "--data", small_csv, "--recipe", recipe, "--checkpoints", tmp_path / "checkpoints")
    mine = tmp_path / "artifacts" / "mine"
    output(start(*words, "--out", mine, "--keep-weights", "--resume"))  # there is nothing to resume: it starts
    error = error_line(start(*words, "--restart", "--out", mine))
    assert "mine: expected no trained model yet, found the model mine; choose another --out, or replace it" in error
    first = recognizers.card("mine", mine.parent)
    digest = first.files["weights.npz"].sha256
    assert train.initial_weights(mine / "weights.npz") == {
        "file": "weights.npz",
        "sha256": digest,
        "training": first.training,
    }

    recipe.write_text(json.dumps({**RECIPE, "batch": 32}))
    error = error_line(start(*words, "--resume"))
    assert "last.npz: expected a checkpoint of this training, found another recipe; give the recipe, " in error

    recipe.write_text(json.dumps({**RECIPE, "network": {**RECIPE["network"], "stem": [6, 8]}}))
    assert "checkpoints: expected no checkpoints yet, found those of an earlier training; go on" in error_line(
        start(*words)
    )
    assert "expected it or --resume, found both" in error_line(start(*words, "--restart", "--resume"))
    error = error_line(start(*words, "--restart", "--weights", mine / "weights.npz"))
    assert (tmp_path / "checkpoints" / "last.npz").exists()  # a training that is refused removes nothing
    assert "weights.npz: expected weights of the network cnn, as .weights.h5 or .npz, found " in error


def test_teacher_predictions_are_stored_and_the_card_names_the_teacher(
    small_csv: Path, recipe: Path, start: Command, tmp_path: Path
) -> None:
    distilled = {**RECIPE, "stages": [{"epochs": 1, "learning_rate": 0.1}], "image_sizes": [[0, 48]]}
    out, checkpoints = tmp_path / "artifacts" / "student", tmp_path / "checkpoints"
    words = ("train", "cnn", "--data", small_csv, "--recipe", recipe, "--out", out, "--checkpoints", checkpoints)
    recipe.write_text(json.dumps({**distilled, "teacher": {"models": ["nobody"], "shares": [0.5]}}))
    assert "model: expected one of " in error_line(start(*words))
    recipe.write_text(json.dumps({**distilled, "teacher": {"models": ["lightgbm"], "shares": [0.5]}}))
    output(start(*words))
    files = {name: dataclasses.asdict(info) for name, info in recognizers.card("lightgbm").files.items()}
    assert recognizers.card("student", out.parent).training["teacher"] == [
        {"model": "lightgbm", "labels": "fer2013", "made_of": files}
    ]
    crops = fer2013.load(small_csv).split("Training").crops
    (predictions,) = distillation.read_teacher_predictions(checkpoints)
    np.testing.assert_allclose(predictions[0], recognizers.load("lightgbm").predict_proba(crops), atol=1e-6)

    stored = (checkpoints / distillation.FILE).read_bytes()
    output(start(*words, "--resume", "--overwrite"))
    assert (checkpoints / distillation.FILE).read_bytes() == stored
    (checkpoints / distillation.FILE).write_bytes(stored[: len(stored) // 2])
    assert "teacher.npz: expected the teacher's predictions, found BadZipFile: " in error_line(
        start(*words, "--resume", "--overwrite")
    )


@given(share=st.floats(0, 1), seed=st.integers(0, 100))
def test_blended_targets_are_weighted_means(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    targets = np.eye(7, dtype=np.float32)[rng.integers(0, 7, (9, 2))]
    targets[:, 1] *= 0.8  # rows that weigh less
    predictions = rng.dirichlet(np.ones(7), 9)
    for head, weight in ((0, 1.0), (1, 0.8)):
        blended = distillation.blend(targets, predictions, share, head)
        np.testing.assert_array_equal(blended[:, 1 - head], targets[:, 1 - head])
        np.testing.assert_allclose(blended[:, head].sum(axis=1), weight, atol=1e-6)
        shift = share * (weight * predictions - targets[:, head])
        np.testing.assert_allclose(blended[:, head] - targets[:, head], shift, atol=1e-6)
    with pytest.raises(InputError, match=r"expected probabilities \(9, 7\), found \(8, 7\)"):
        distillation.blend(targets, predictions[1:], share, 0)


def test_missing_and_wrong_weights_are_rejected(start: Command, small_csv: Path, tmp_path: Path) -> None:
    words = ("train", "vgg16", "--data", small_csv)
    offline = {"KERAS_HOME": str(tmp_path / "keras"), "https_proxy": "http://127.0.0.1:9"}
    error = error_line(start(*words, **offline))
    assert "ImageNet weights of VGG-16: expected an answer from Keras's server, found " in error
    assert error.endswith("name a file of them with --weights")
    text = tmp_path / "text.weights.h5"
    text.write_text("not weights")
    error = error_line(start(*words, "--weights", text))
    assert "text.weights.h5: expected weights of the network vgg16, as .weights.h5 or .npz, found " in error
    error = error_line(start(*words, "--weights", tmp_path / "none.weights.h5"))
    assert "none.weights.h5: expected a file of weights, found nothing there" in error


def test_tuning_continues_its_study(small_csv: Path, recipe: Path, start: Command, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.json"
    network = {**RECIPE["network"], "stages": [[8, 1], [12, 1], [16, 1]]}  # the depth that the search varies
    recipe.write_text(json.dumps({**RECIPE, "network": network}))
    words = ("tune", "cnn", "--data", small_csv, "--recipe", recipe, "--out", chosen, "--rows", 64, "--epochs", 1)
    output(start(*words, "--trials", 1))
    output(start(*words, "--trials", 2))
    tuned = json.loads(chosen.read_text())
    assert (tuned["tuning"]["trials"], tuned["tuning"]["rows"]) == (2, 64)
    assert tuned["stages"][0]["epochs"] == RECIPE["stages"][0]["epochs"]
    assert tuned["image_sizes"] == RECIPE["image_sizes"]


def test_dlibs_scales_and_shifts_become_part_of_the_convolutions(tmp_path: Path, small_csv: Path) -> None:
    import keras

    from facial_emotion.deep.networks import dlib_resnet

    rng, path = np.random.default_rng(0), tmp_path / "dlib.npz"
    model = dlib_resnet.build({"upsample": 3, "dropout": 0.0}, heads=2)
    assert model.output_shape == (None, 2, 7)
    arrays = {}
    for layer in model.layers:
        name = layer.name.replace("_conv_", "/conv_")
        if name == "stem" or "/conv_" in name:
            kernel = layer.get_weights()[0]
            arrays[f"{name}/kernel"] = kernel
            arrays |= {f"{name}/{part}": rng.normal(size=kernel.shape[3]) for part in ("bias", "scale", "shift")}
    np.savez(path, **arrays)
    dlib_resnet.init_weights(model, path, ["fer2013", "people"])
    stem = {part: arrays[f"stem/{part}"] for part in ("kernel", "bias", "scale", "shift")}
    pictures = rng.normal(size=(1, 20, 20, 3)).astype(np.float32)
    convolved = keras.ops.conv(pictures, stem["kernel"], strides=2)
    expected = np.maximum((np.asarray(convolved) + stem["bias"]) * stem["scale"] + stem["shift"], 0)
    np.testing.assert_allclose(np.asarray(model.get_layer("stem")(pictures)), expected, rtol=1e-3, atol=1e-3)

    np.savez(path, **{name: array for name, array in arrays.items() if name != "block_03/conv_2/scale"})
    with pytest.raises(InputError, match=r"expected the arrays of dlib's face-recognition network, found .*block_03"):
        dlib_resnet.init_weights(model, path, ["fer2013", "people"])
    with pytest.raises(InputError, match=r"expected an \.npz of dlib's arrays, or of this network, found none"):
        dlib_resnet.init_weights(model, None, ["fer2013", "people"])
    job = Job("dlib-resnet", recipe_of("dlib-resnet"), fer2013.load(small_csv))
    with pytest.raises(InputError, match="dlib-resnet: expected crops of 48 pixels, found 40"):
        train.build(job, job.recipe, [40, 48])
