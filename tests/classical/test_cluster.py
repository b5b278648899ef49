"""Trainings on a Dask cluster of two workers, compared with trainings on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facial_emotion import artifact

pytest.importorskip("distributed", reason="needs Dask: pip install distributed")

from tests.classical.test_train import RECIPES

ROOT = Path(__file__).parent.parent.parent


def train(name: str, data: Path, folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    """Run a training with its own feature cache."""
    folder.mkdir(exist_ok=True)
    recipe = folder / "recipe.json"
    recipe.write_text(json.dumps(RECIPES[name]))
    words = ["--data", data, "--recipe", recipe, "--out", folder / "model", *options]
    return subprocess.run(
        [sys.executable, "-m", "facial_emotion", "train", name, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "FER_CACHE": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["xgboost", "svm", "lightgbm"])
def test_training_on_a_cluster_equals_training_on_one_machine(name: str, small_csv: Path, tmp_path: Path) -> None:
    rounds = () if name == "svm" else ("--rounds", 8)
    alone = train(name, small_csv, tmp_path / "alone", *rounds)
    together = train(name, small_csv, tmp_path / "together", *rounds, "--cluster", "local")
    assert alone.returncode == 0, alone.stderr
    assert together.returncode == 0, together.stderr
    cards = {}
    features = {}
    for folder in ("alone", "together"):
        cards[folder] = artifact.read_card(tmp_path / folder / "model")
        features[folder] = {path.name: np.load(path) for path in (tmp_path / folder).glob("features-*.npy")}
    np.testing.assert_equal(features["together"], features["alone"])
    assert cards["together"].training["workers"] == 2
    assert cards["together"].training.get("rounds_used") == cards["alone"].training.get("rounds_used")
    if name == "lightgbm":  # its workers compute the bins from their own rows
        accuracies = [card.metrics["PublicTest"].accuracy for card in cards.values()]
        assert abs(accuracies[0] - accuracies[1]) < 0.2
    else:
        models = [(tmp_path / folder / "model" / "model.onnx").read_bytes() for folder in cards]
        assert models[0] == models[1]


def test_invalid_cluster_options_are_one_line_errors(small_csv: Path, tmp_path: Path) -> None:
    done = train("svm", small_csv, tmp_path, "--rounds", 8)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --rounds: expected a model that is boosted, lightgbm or xgboost, found ")
    assert done.stderr.count("\n") == 1

    done = train("xgboost", small_csv, tmp_path, "--cluster", "nonsense://host")
    assert done.returncode == 2
    assert done.stderr.startswith('error: --cluster: expected a scheduler, as tcp://host:8786, or "local", found ')
    assert done.stderr.count("\n") == 1
