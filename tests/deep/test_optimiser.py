"""The optimiser of a recipe: learning rates by layer, and their decay."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from facial_emotion.deep.recipe import OPTIMISERS

ROOT = Path(__file__).parent.parent.parent

SCRIPT = """
import numpy as np
from pathlib import Path
from facial_emotion.deep import backend
from facial_emotion.deep.networks import cnn
from facial_emotion.deep.checkpoint import Identity
from facial_emotion.deep.loop import Rows, _Loop
from facial_emotion.deep.recipe import Recipe
from facial_emotion.training.recipe import checked
from tests.deep.conftest import RECIPE
backend.configure()
import keras
kinds = {"sgd": {"momentum": 0.9, "nesterov": True}, "adamw": {"beta_2": 0.99}}
for kind, options in kinds.items():
    keras.utils.set_random_seed(0)
    settings = {**RECIPE, "optimiser": {"kind": kind, **options, "weight_decay": 0.0, "warmup_epochs": 0, "clip": 5.0}}
    multipliers = {"stem": 0, "stage": 0.001}
    settings["network"] = {**RECIPE["network"], "stages": [[8, 1], [12, 1], [16, 1]]}
    settings["image_sizes"] = [[0, 48]]
    settings["stages"] = [{"epochs": 1, "learning_rate": 0.1, "layer_lr_multipliers": multipliers}]
    recipe = checked(Recipe, settings, "recipe")
    model = cnn.build(recipe.network, 1)
    training = Rows(np.zeros((160, 48, 48), np.uint8), np.full((160, 1, 7), 1 / 7, np.float32), np.zeros((160, 1), int))
    loop = _Loop(model, Identity("cnn", recipe, "", 0), lambda epoch: training, training, Path(), lambda: False)
    loop.compile(recipe.stages[0], 1)
    before = {variable.path: np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables}
    rng = np.random.default_rng(0)
    for _ in range(3):
        crops = rng.random((7, 32, 32, 1), dtype=np.float32) * 255
        model.train_on_batch(crops, np.eye(7, dtype=np.float32)[:, None])
    moved = []
    for path in ("stem_1_conv/kernel", "stage_1_block_1_1_conv/kernel", "scores/kernel"):
        after = next(variable for variable in model.variables if variable.path == path)
        moved.append(float(np.abs(keras.ops.convert_to_numpy(after.value) - before[path]).max()))
    print(kind, *moved, float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_layers_have_their_learning_rates_which_decay(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}: pip install {backend}")
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    lines = [line.split() for line in process.stdout.splitlines()]
    assert [kind for kind, *_ in lines] == list(OPTIMISERS)
    for _, *figures in lines:
        frozen, slow, fast, learning_rate = map(float, figures)
        assert frozen == 0
        assert 0 < slow < fast / 20
        assert 0.05 < learning_rate < 0.1  # of a cosine after three of ten steps
