"""The optimiser of a recipe: rates by depth, and a rate that rises and falls."""

from __future__ import annotations

import subprocess
import sys

from tests.deep.conftest import ROOT

SCRIPT = """
import numpy as np
from deep import backend, cnn
from deep.loop import Rows, _compile, stages_of
from tests.deep.conftest import RECIPE
backend.start()
import keras
keras.utils.set_random_seed(0)
recipe = {**RECIPE, "optimiser": {**RECIPE["optimiser"], "weight_decay": 0.0, "warmup_epochs": 0}}
recipe["stages"] = [{"epochs": 1, "rate": 0.1, "depth_rates": {"stem": 0, "stage": 0.001}}]
model = cnn.build(recipe["network"])
_compile(model, recipe, stages_of(recipe)[0], 10)
before = {variable.path: np.array(variable.value) for variable in model.variables}
rng = np.random.default_rng(0)
for _ in range(3):
    model.train_on_batch(rng.random((7, 32, 32, 1), dtype=np.float32) * 255, np.eye(7, dtype=np.float32))
for path in ("stem_1_conv/kernel", "stage_1_block_1_1_conv/kernel", "scores/kernel"):
    after = next(variable for variable in model.variables if variable.path == path)
    print(float(np.abs(np.array(after.value) - before[path]).max()))
print(float(model.optimizer.learning_rate))
"""


def test_layers_learn_as_their_depth_says_and_the_rate_falls() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    frozen, slow, fast, rate = map(float, done.stdout.split())
    assert frozen == 0
    assert 0 < slow < fast / 20
    assert 0.05 < rate < 0.1  # a cosine, three steps of ten in
