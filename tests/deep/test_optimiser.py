"""The optimiser of a recipe: rates by depth, and a rate that rises and falls."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from facial_emotion.deep.recipe import OPTIMISERS
from tests.deep.conftest import ROOT

SCRIPT = """
import numpy as np
from facial_emotion.deep import backend, cnn
from facial_emotion.deep.loop import Rows, _compile, stages_of
from tests.deep.conftest import RECIPE
backend.start()
import keras
keras.utils.set_random_seed(0)
options = {"sgd": {"momentum": 0.9, "nesterov": True}, "adamw": {"beta_2": 0.99}}[KIND]
recipe = {**RECIPE, "optimiser": {"kind": KIND, **options, "weight_decay": 0.0, "warmup_epochs": 0, "clip": 5.0}}
recipe["stages"] = [{"epochs": 1, "rate": 0.1, "depth_rates": {"stem": 0, "stage": 0.001}}]
model = cnn.build(recipe["network"])
_compile(model, recipe, stages_of(recipe)[0], 10)
before = {variable.path: np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables}
rng = np.random.default_rng(0)
for _ in range(3):
    model.train_on_batch(rng.random((7, 32, 32, 1), dtype=np.float32) * 255, np.eye(7, dtype=np.float32))
for path in ("stem_1_conv/kernel", "stage_1_block_1_1_conv/kernel", "scores/kernel"):
    after = next(variable for variable in model.variables if variable.path == path)
    print(float(np.abs(keras.ops.convert_to_numpy(after.value) - before[path]).max()))
print(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
"""


@pytest.mark.parametrize("kind", list(OPTIMISERS))
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_layers_learn_as_their_depth_says_and_the_rate_falls(kind: str, backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}: pip install {backend}")
    done = subprocess.run(
        [sys.executable, "-c", f"KIND = {kind!r}" + SCRIPT],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    frozen, slow, fast, rate = map(float, done.stdout.split())
    assert frozen == 0
    assert 0 < slow < fast / 20
    assert 0.05 < rate < 0.1  # a cosine, three steps of ten in
