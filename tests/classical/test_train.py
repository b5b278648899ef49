"""Small trainings from the data file to a recognizer, with the export compared with the library."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facial_emotion import recognizers, registry
from facial_emotion.classical import models, train
from facial_emotion.classical.graph import to_onnx
from facial_emotion.classical.models import svm
from facial_emotion.classical.task import Fitted, Task
from facial_emotion.classical.trees import linear_start, training_rows
from facial_emotion.data import fer2013
from facial_emotion.errors import InputError
from facial_emotion.records import Card
from facial_emotion.threads import onnx_session
from facial_emotion.training import calibrate
from facial_emotion.training.augment import Augmentation
from facial_emotion.training.job import Job, recipe_of, run
from facial_emotion.training.tune import current_values

ROOT = Path(__file__).parent.parent.parent
FEATURES = {"blocks": [["grid", 8, 2, 8], ["geometry"]]}
TREES = {
    "mirrored_training": True,
    "mirrored_average": True,
    "class_weight_power": 0.2,
    "linear_ridge": 30,
    "rounds": 12,
    "patience": 6,
}
RECIPES: dict[str, dict[str, Any]] = {
    "lightgbm": {
        "features": FEATURES,
        "fit": {**TREES, "parameters": {"learning_rate": 0.2, "num_leaves": 7, "min_data_in_leaf": 3}},
    },
    "xgboost": {
        "features": FEATURES,
        "fit": {**TREES, "parameters": {"learning_rate": 0.3, "max_depth": 3, "max_bin": 64}},
    },
    "svm": {
        "features": FEATURES,
        "fit": {
            "blocks": [{"components": [40, 20], "weight": 1.0}, {"components": [20, 10], "weight": 0.5}],
            "gamma": 1.0,
            "ridge": 0.1,
            "class_weight_power": 0.2,
        },
    },
}
MOVED: dict[str, Any] = {"shift": 0.03, "scale": 0.05, "rotation": 5.0}
# Trees are exported exactly; the LS-SVM's weights are quantised.
MODELS = registry.names(models)
BOUNDS = dict.fromkeys(MODELS, 1e-4) | {"svm": svm.BOUND}
SAME_LABELS = dict.fromkeys(MODELS, 1.0) | {"svm": 0.98}  # of a few hundred, where two emotions are nearly tied


def task_of(data: fer2013.Fer2013, name: str) -> Task:
    return train.task_for(Job(name, train.Recipe(**RECIPES[name]), data))


def fit(name: str, task: Task) -> Fitted:
    return registry.module(models, name).fit(task, RECIPES[name]["fit"])


def trained(name: str, recipe: train.Recipe, data: fer2013.Fer2013, out: Path) -> list[Card]:
    return run(Job(name, recipe, data), out)


def predictions(task: Task, fitted: Fitted, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of feature rows, computed by the library and by ONNX Runtime."""
    calibrated = calibrate.matrix(fitted.scores(task.held_out_features), np.eye(7)[task.held_out_labels])
    session = onnx_session(to_onnx(fitted.graph(), rows.shape[1], {"fer2013": calibrated}), threads=2)
    exported = session.run(["probabilities"], {"features": rows.astype(np.float32)})[0]
    return calibrated.probabilities(fitted.scores(rows)), exported


@pytest.mark.parametrize("name", list(MODELS))
def test_the_export_agrees_with_the_library(name: str, small_csv: Path, cache: Path) -> None:
    task = task_of(fer2013.load(small_csv), name)
    fitted = fit(name, task)
    library, exported = predictions(task, fitted, np.concatenate([task.features, task.held_out_features]))
    np.testing.assert_allclose(exported, library, atol=BOUNDS[name])
    assert (exported.argmax(axis=1) == library.argmax(axis=1)).mean() >= SAME_LABELS[name]
    assert (fitted.scores(task.features).argmax(axis=1) == task.labels).mean() > 0.5


@pytest.mark.parametrize("name", list(MODELS))
def test_the_export_agrees_with_the_library_on_real_crops(name: str, real: fer2013.Fer2013, cache: Path) -> None:
    rows = np.concatenate(
        [np.arange(1500), np.flatnonzero(real.splits == 1)[:512], np.flatnonzero(real.splits == 2)[:9]]
    )
    part = fer2013.Fer2013(np.asarray(real.crops[rows]), np.asarray(real.labels[rows]), np.asarray(real.splits[rows]))
    task = task_of(part, name)
    fitted = fit(name, task)
    library, exported = predictions(task, fitted, task.held_out_features)
    np.testing.assert_allclose(exported, library, atol=BOUNDS[name])
    assert (exported.argmax(axis=1) == library.argmax(axis=1)).mean() >= SAME_LABELS[name]


@pytest.mark.parametrize("name", list(MODELS))
def test_scores_are_invariant_to_mirroring(name: str, small_csv: Path, cache: Path) -> None:
    task = task_of(fer2013.load(small_csv), name)
    fitted = fit(name, task)
    index, sign = task.mirror
    mirrored = sign * task.held_out_features[:, index]
    np.testing.assert_allclose(fitted.scores(mirrored), fitted.scores(task.held_out_features), atol=2e-4)


def test_fits_are_reproducible(small_csv: Path, cache: Path) -> None:
    for name in MODELS:
        task = task_of(fer2013.load(small_csv), name)
        first, second = (fit(name, task).scores(task.held_out_features) for _ in range(2))
        np.testing.assert_array_equal(first, second, err_msg=name)


def test_a_second_head_answers_with_the_votes_and_changes_nothing_of_the_first(
    voted_csv: Path, cache: Path, tmp_path: Path, crops: np.ndarray
) -> None:
    data = fer2013.load(voted_csv)
    recipe = train.Recipe(**RECIPES["svm"])
    (plain,) = trained("svm", recipe, data, tmp_path / "plain")
    both = dataclasses.replace(recipe, heads=["fer2013", "people"])
    first, second = trained("svm", both, data, tmp_path / "two")
    assert (first.name, second.name, second.model_of, second.labels) == ("two", "two-ferplus", "two", "people")
    assert first.metrics["PublicTest"].accuracy == pytest.approx(plain.metrics["PublicTest"].accuracy, abs=0.02)
    answers = {
        name: recognizers.load(name, root=tmp_path).predict_proba(crops[:9]) for name in ("plain", "two", "two-ferplus")
    }
    np.testing.assert_allclose(answers["two"], answers["plain"], atol=0.02)
    assert not np.allclose(answers["two"], answers["two-ferplus"], atol=0.02)
    joint = dataclasses.replace(recipe, heads=["fer2013", "people"], calibration="joint matrix")
    of_all_scores = trained("svm", joint, data, tmp_path / "joint")  # checks the export too
    assert [card.calibration.split(",")[0] for card in of_all_scores] == ["joint matrix scaling"] * 2
    for one, separate in zip(of_all_scores, (first, second), strict=True):
        assert one.metrics["PublicTest"].accuracy == pytest.approx(separate.metrics["PublicTest"].accuracy, abs=0.1)
        said = recognizers.load(one.name, root=tmp_path).predict_proba(crops[:9])
        assert not np.allclose(said, recognizers.load(separate.name, root=tmp_path).predict_proba(crops[:9]), atol=1e-3)
    with pytest.raises(InputError, match="lightgbm: expected a recipe with the heads fer2013, found fer2013, people"):
        trained("lightgbm", both, data, tmp_path)


def test_trees_fit_on_moved_copies_too(small_csv: Path, cache: Path, tmp_path: Path) -> None:
    data = fer2013.load(small_csv)
    recipe = train.Recipe(**RECIPES["lightgbm"], copies=2, augment=Augmentation(**MOVED))
    task = train.task_for(Job("lightgbm", recipe, data))
    rows, labels, weights, scores = training_rows(task, recipe.fit, linear_start(task, 30))
    assert rows.shape == (6 * len(task.labels), task.features.shape[1])  # three, each mirrored too
    assert labels.shape == weights.shape == (len(rows),)
    assert len(scores) == len(rows)
    (card,) = trained("lightgbm", recipe, data, tmp_path / "moved")  # checks the export too
    assert card.training["recipe"]["augment"] == dataclasses.asdict(Augmentation(**MOVED))
    with pytest.raises(InputError, match="svm: expected a recipe without 'copies'"):
        trained("svm", dataclasses.replace(recipe, fit=RECIPES["svm"]["fit"]), data, tmp_path)


def command(module: str, *words: object, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "facial_emotion", module, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "FER_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_tune_train_and_leave_a_recognizer(small_csv: Path, tmp_path: Path, crops: np.ndarray) -> None:
    start, chosen, out = tmp_path / "start.json", tmp_path / "chosen.json", tmp_path / "artifacts" / "my-svm"
    start.write_text(json.dumps({**RECIPES["svm"], "heads": ["fer2013"], "calibration": "vector"}))
    options = ("--data", small_csv, "--recipe", start, "--out", chosen, "--rows", 120)

    done = command("tune", "svm", *options, "--trials", 2, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    done = command("tune", "svm", *options, "--trials", 3, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    tuned = json.loads(chosen.read_text())
    assert (tuned["tuning"]["trials"], tuned["tuning"]["rows"]) == (3, 120)
    assert tuned["features"] == FEATURES
    assert tuned["calibration"] == "vector"

    done = command("train", "svm", "--data", small_csv, "--recipe", chosen, "--out", out, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "PrivateTest: accuracy " in done.stdout
    recognizer = recognizers.load("my-svm", root=out.parent)
    assert recognizer.predict_proba(crops[:3]).shape == (3, 7)
    training = recognizer.card.training
    assert training["recipe"]["fit"] == tuned["fit"]
    assert training["data_hash"] == fer2013.load(small_csv).hash
    assert [path.name for path in out.parent.iterdir()] == ["my-svm"]


def test_invalid_recipes_and_names_are_one_line_errors(small_csv: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    cases = {
        "{": ": expected a recipe in JSON, found ",
        "[]": ": expected a JSON object, found list",
        '{"fit": []}': ": expected 'fit' of type dict, found list",
        json.dumps({**RECIPES["svm"], "augment": {"scale": 1.5}}): ", augment: expected 'scale', from 0 to 0.99",
        json.dumps({**RECIPES["svm"], "copies": 1}): ": expected 'copies' and 'augment', or neither of them",
        json.dumps({**RECIPES["svm"], "gamma": 1}): ": expected only features, fit, ",
    }
    for text, message in cases.items():
        broken.write_text(text)
        done = command("train", "svm", "--data", small_csv, "--recipe", broken, cache=tmp_path)
        assert done.returncode == 2
        assert f"broken.json{message}" in done.stderr
        assert done.stderr.count("\n") == 1
    done = command("train", "svn", "--data", small_csv, cache=tmp_path)
    assert done.returncode == 2
    assert "No such command 'svn'" in done.stderr


def test_a_subset_has_the_given_number_of_training_rows(small_csv: Path, cache: Path) -> None:
    task = task_of(fer2013.load(small_csv), "svm")
    part = train.subset(task, 50)
    assert len(part.features) == len(part.labels) == 50
    assert train.subset(task, None) is task
    assert dataclasses.replace(part, features=task.features, labels=task.labels) == task


@pytest.mark.parametrize("name", list(MODELS))
def test_every_recipe_is_in_its_search_space(name: str) -> None:
    space = train.space(name)
    for key, value in current_values(recipe_of(name), space).items():
        limits = space[key][1]
        assert limits["low"] <= value <= limits["high"], key
