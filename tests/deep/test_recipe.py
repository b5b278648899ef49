"""Recipes, schedules and checkpoints: validation, one-line errors, and checkpoints that survive failed writes."""

from __future__ import annotations

import dataclasses
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facial_emotion import registry
from facial_emotion.deep import checkpoint, networks, schedule
from facial_emotion.deep.checkpoint import Identity, Progress
from facial_emotion.deep.recipe import RECIPES, Recipe
from facial_emotion.deep.train import shortened, space
from facial_emotion.errors import InputError, OutputError
from facial_emotion.records import to_json
from facial_emotion.training.job import recipe_of
from facial_emotion.training.recipe import checked, read
from facial_emotion.training.tune import current_values
from tests.deep.conftest import RECIPE

IDENTITY = Identity("cnn", checked(Recipe, RECIPE, "recipe"), data_hash="0" * 64, seed=0)


@pytest.mark.parametrize("name", registry.names(networks))
def test_default_recipes_lie_in_their_search_space(name: str) -> None:
    for key, value in current_values(recipe_of(name), space(name)).items():
        limits = space(name)[key][1]
        assert limits["low"] <= value <= limits["high"], key


@pytest.mark.parametrize("name", registry.names(networks))
def test_a_recipe_is_written_as_it_was_read(name: str) -> None:
    path = RECIPES / f"{name}.json"
    assert to_json(read(Recipe, path)) == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": "many"}, ": expected 'batch' of type int, found str"),
        ({"batch": 0}, ": expected 'batch', 1 or more, found 0"),
        (
            {"heads": {"ferplus": RECIPE["heads"]["fer2013"]}},
            ": expected 'heads', one or more of fer2013, people, found",
        ),
        ({"heads": {}}, ": expected 'heads', one or more of fer2013, people, found {}"),
        ({"heads": {"people": 1}}, ", heads.people: expected a JSON object, found int"),
        ({"heads": {"people": {}}}, ", heads.people: expected 'class_weight_power' of type float, found nothing"),
        ({"precision": "float8"}, ": expected 'precision', one of float32, mixed_bfloat16, mixed_float16, found"),
        ({"optimiser": {"kind": "lamb"}}, ", optimiser: expected 'kind', one of sgd, adamw, found"),
        ({"optimiser": {"kind": "sgd"}}, ", optimiser: expected 'weight_decay' of type float, found nothing"),
        ({"optimiser": {**RECIPE["optimiser"], "clip": "5"}}, ", optimiser: expected 'clip' of type float, found str"),
        ({"optimiser": {**RECIPE["optimiser"], "beta_2": 1}}, ": expected an optimiser sgd with momentum, nesterov, "),
        ({"teacher": "svm"}, ", teacher: expected a JSON object, found str"),
        ({"teacher": {"models": ["svm", "cnn"], "shares": [0.5]}}, ": expected a teacher with as many 'shares' as"),
        ({"teacher": {"models": ["svm"], "shares": [2]}}, ", teacher: expected 'shares.0', between 0 and 1, found 2"),
        ({"teacher": {"shares": [0.5]}}, ", teacher: expected 'models' of type list, found nothing"),
        ({"teacher": {"models": ["svm"], "shares": [1], "views": 2}}, ": expected a teacher with as many 'shares' as"),
        (
            {"teacher": {"models": ["svm"], "shares": [1], "views": 2, "augment": RECIPE["augment"]}},
            ", teacher: expected 'augment', without mixup",
        ),
        ({"image_sizes": [[0, 32]]}, r": expected 'image_sizes', pairs .*, last 48, found \[\[0, 32\]\]"),
        ({"image_sizes": [[0, 32], [20, 40], [10, 48]]}, ": expected 'image_sizes', pairs "),
        ({"image_sizes": [[0, 8], [2, 48]]}, ": expected 'image_sizes', pairs .* of 32 or more pixels"),
        ({"ema_momentum": 7}, ": expected 'ema_momentum', from 0 to below 1, found 7"),
        ({"image_sizes": [48]}, ": expected 'image_sizes.0' of type list, found int"),
        ({"stages": []}, r": expected 'stages', one or more, found \[\]"),
        ({"stages": [{"epochs": 3}]}, ", stages.0: expected 'learning_rate' of type float, found nothing"),
        ({"augment": {"rotation": 500}}, ", augment: expected 'rotation', from 0 to 180, found 500"),
        ({"ema": 0.9}, ": expected only network, .*, found ema"),
    ],
)
def test_errors_name_the_wrong_setting(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({**RECIPE, **change}))
    with pytest.raises(InputError, match=rf"recipe\.json{message}"):
        read(Recipe, tmp_path / "recipe.json")


@pytest.mark.parametrize(
    ("text", "message"), [("{", "a recipe in JSON"), ("[]", "a JSON object"), ("{}", "'network' of type dict")]
)
def test_files_that_are_not_recipes_are_rejected(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read(Recipe, tmp_path / "recipe.json")


def test_a_shortened_recipe_keeps_its_stages() -> None:
    stages = [{"epochs": 2, "learning_rate": 0.1}, {"epochs": 18, "learning_rate": 0.01}]
    short = shortened(checked(Recipe, {**RECIPE, "stages": stages, "mixup_until": 10}, "recipe"), epochs=4, side=32)
    assert [stage.epochs for stage in short.stages] == [1, 4]
    assert short.image_sizes == [[0, 32]]
    assert short.mixup_until == 2


def test_stages_and_image_sizes_follow_one_another() -> None:
    stages = [{"epochs": epochs, "learning_rate": 0.1} for epochs in (1, 5, 4)]
    recipe = checked(Recipe, {**RECIPE, "stages": stages, "image_sizes": [[0, 32], [1, 40], [8, 48]]}, "recipe")
    assert [(first, end) for first, end, _ in schedule.stages(recipe)] == [(0, 1), (1, 6), (6, 10)]
    assert [schedule.image_size(recipe, epoch) for epoch in range(10)] == [32] + [40] * 7 + [48] * 2


@pytest.mark.parametrize(("layer", "multiplier"), [("block1_conv1", 0.5), ("block2_conv1", 0.1), ("scores", 1.0)])
def test_the_longest_prefix_sets_the_learning_rate(layer: str, multiplier: float) -> None:
    assert schedule.lr_multiplier({"block": 0.1, "block1": 0.5}, layer) == multiplier


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "last.npz"
    checkpoint.save(path, {"model": [np.arange(5.0)]}, Progress(epoch=3), IDENTITY)
    return path


def test_a_checkpoint_is_read_as_it_was_written(saved: Path) -> None:
    groups, progress = checkpoint.load(saved, IDENTITY)
    np.testing.assert_array_equal(groups["model"][0], np.arange(5.0))
    assert progress == Progress(epoch=3)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limit the size of files, so that a write fails in the middle, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_previous_checkpoint(saved: Path) -> None:
    large = {"model": [np.random.default_rng(0).random(400_000)]}
    with (
        file_size_limit(1_000_000),
        pytest.raises(OutputError, match=r"last\.npz: expected room for a checkpoint, found "),
    ):
        checkpoint.save(saved, large, Progress(epoch=4), IDENTITY)
    assert checkpoint.load(saved, IDENTITY)[1].epoch == 3
    assert [path.name for path in saved.parent.iterdir()] == ["last.npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_a_damaged_checkpoint_is_rejected(saved: Path, content: bytes) -> None:
    saved.write_bytes(content)
    with pytest.raises(InputError, match=r"last\.npz: expected a whole checkpoint"):
        checkpoint.load(saved, IDENTITY)


def test_a_truncated_checkpoint_is_rejected(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"last\.npz: expected a whole checkpoint"):
        checkpoint.load(saved, IDENTITY)


@pytest.mark.parametrize(("key", "value"), [("network", "vgg16"), ("data_hash", "other"), ("seed", 1)])
def test_a_checkpoint_of_another_training_is_rejected(saved: Path, key: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"expected a checkpoint of this training, found another {key}"):
        checkpoint.load(saved, dataclasses.replace(IDENTITY, **{key: value}))
