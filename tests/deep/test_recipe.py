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

from facial_emotion import registry, tuning
from facial_emotion.deep import checkpoint, networks, schedule
from facial_emotion.deep.checkpoint import Identity, Progress
from facial_emotion.deep.recipe import RECIPES, from_dict, read
from facial_emotion.deep.tune import shortened, space
from facial_emotion.errors import InputError, OutputError
from tests.deep.conftest import RECIPE

IDENTITY = Identity("cnn", from_dict(RECIPE, "recipe"), data_hash="0" * 64, seed=0)


@pytest.mark.parametrize("name", registry.names(networks))
def test_default_recipes_lie_in_their_search_space(name: str) -> None:
    recipe = read(RECIPES / f"{name}.json").to_dict()
    for key, value in tuning.current_values(recipe, space(name)).items():
        limits = space(name)[key][1]
        assert limits["low"] <= value <= limits["high"], key


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.json")), ids=lambda path: path.stem)
def test_a_recipe_is_written_as_it_was_read(path: Path) -> None:
    assert read(path).to_dict() == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": "many"}, "expected 'batch' of type int, found str"),
        ({"heads": {"ferplus": {}}}, "expected 'heads', one or more of fer2013, people, found ferplus"),
        ({"heads": {}}, "expected 'heads', one or more of fer2013, people, found none"),
        ({"heads": {"people": 1}}, "expected 'heads.people' of type dict, found int"),
        ({"heads": {"people": {}}}, "expected 'heads.people.class_weight_power' of type int or float, found nothing"),
        ({"precision": "float8"}, "expected 'precision' one of float32, mixed_bfloat16, mixed_float16"),
        ({"optimiser": {"kind": "lamb"}}, "expected optimiser 'kind' one of sgd, adamw, found 'lamb'"),
        ({"optimiser": {"kind": "sgd"}}, "expected an optimiser of clip, kind, momentum, .*, found kind"),
        (
            {"optimiser": {**RECIPE["optimiser"], "clip": "5"}},
            "expected 'optimiser.clip' of type int or float, found str",
        ),
        ({"teacher": "svm"}, "expected 'teacher' of type dict, found str"),
        (
            {"teacher": {"model": ["svm", "cnn"], "share": 0.5}},
            "expected a teacher with 'model' and 'share' between 0 and 1, or as many",
        ),
        ({"teacher": {"model": "svm", "share": 2}}, "expected a teacher with 'model' and 'share' between 0 and 1"),
        ({"teacher": {"share": 0.5}}, "expected a teacher with 'model' and 'share' between 0 and 1"),
        ({"teacher": {"model": "svm", "share": 1, "views": 2}}, "expected a teacher with 'views', 0 or more, and "),
        (
            {"teacher": {"model": "svm", "share": 1, "views": 2, "augment": {}}},
            "expected 'teacher.augment.rotation' of type int or float, found nothing",
        ),
        (
            {"teacher": {"model": "svm", "share": 1, "views": 2, "augment": RECIPE["augment"]}},
            "expected 'teacher.augment.mixup' 0, found 0.2",
        ),
        ({"image_sizes": [[0, 32]]}, "expected 'image_sizes' that end with crops of 48, found .*32"),
        ({"image_sizes": [48]}, r"expected 'image_sizes' of pairs \[first epoch, image size\], .*, found \[48\]"),
        ({"stages": []}, "expected 'stages', one or more, found none"),
        ({"stages": [{"epochs": 3}]}, "expected 'stages.0.learning_rate' of type int or float, found nothing"),
        ({"augment": {}}, "expected 'augment.rotation' of type int or float, found nothing"),
        ({"ema": 0.9}, "expected only the settings network, .*, found ema"),
    ],
)
def test_errors_name_the_wrong_setting(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({**RECIPE, **change}))
    with pytest.raises(InputError, match=rf"recipe\.json: {message}"):
        read(tmp_path / "recipe.json")


@pytest.mark.parametrize(
    ("text", "message"), [("{", "a recipe in JSON"), ("[]", "a JSON object"), ("{}", "'network' of type dict")]
)
def test_files_that_are_not_recipes_are_rejected(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "recipe.json")


def test_a_shortened_recipe_keeps_its_stages() -> None:
    stages = [{"epochs": 2, "learning_rate": 0.1}, {"epochs": 18, "learning_rate": 0.01}]
    short = shortened(from_dict({**RECIPE, "stages": stages, "mixup_until": 10}, "recipe"), epochs=4, image_size=32)
    assert [stage.epochs for stage in short.stages] == [1, 4]
    assert short.image_sizes == ((0, 32),)
    assert short.mixup_until == 2


def test_stages_and_image_sizes_follow_one_another() -> None:
    stages = [{"epochs": epochs, "learning_rate": 0.1} for epochs in (1, 5, 4)]
    recipe = from_dict({**RECIPE, "stages": stages, "image_sizes": [[0, 32], [1, 40], [8, 48]]}, "recipe")
    assert [(stage.first, stage.end) for stage in schedule.stages(recipe)] == [(0, 1), (1, 6), (6, 10)]
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
