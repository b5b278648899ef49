"""Recipes and checkpoints: what is wrong is said in one line, and nothing that was whole is lost."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from facial_emotion import tuning
from facial_emotion.deep import checkpoint
from facial_emotion.deep.recipe import RECIPES, read
from facial_emotion.deep.train import NETWORKS
from facial_emotion.deep.tune import SPACES, shortened
from facial_emotion.errors import InputError
from tests.deep.conftest import RECIPE

IDENTITY = {"network": "cnn", "recipe": RECIPE, "data_hash": "0" * 64, "seed": 0}


@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_recipe_lies_in_its_search_space(name: str) -> None:
    recipe = read(RECIPES / f"{name}.json")
    for key, value in tuning.present(recipe, SPACES[name]).items():
        limits = SPACES[name][key][1]
        assert limits["low"] <= value <= limits["high"], key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": "many"}, "expected 'batch' of type int, found str"),
        ({"labels": "ferplus"}, r"expected 'labels' one of fer, fer\+, both, found 'ferplus'"),
        ({"precision": "float8"}, "expected 'precision' one of float32, mixed_bfloat16, mixed_float16"),
        ({"optimiser": {"kind": "lamb"}}, "expected optimiser 'kind' one of sgd, adamw, found 'lamb'"),
        ({"optimiser": {"kind": "sgd"}}, "expected an optimiser of clip, kind, momentum, .*, found kind"),
        ({"teacher": "svm"}, "expected 'teacher' of type dict, found str"),
        ({"teacher": {"model": "svm", "share": 2}}, "expected a teacher with 'model' and 'share' between 0 and 1"),
        ({"teacher": {"share": 0.5}}, "expected a teacher with 'model' and 'share' between 0 and 1"),
        ({"sides": [[0, 32]]}, "expected 'sides' that end with crops of 48, found .*32"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(change: dict, message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({**RECIPE, **change}))
    with pytest.raises(InputError, match=rf"recipe\.json: {message}"):
        read(tmp_path / "recipe.json")


@pytest.mark.parametrize(
    ("text", "message"), [("{", "a recipe in JSON"), ("[]", "a JSON object"), ("{}", "'network' of type dict")]
)
def test_what_is_no_recipe_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "recipe.json")


def test_a_shortened_recipe_keeps_its_stages() -> None:
    recipe = {**RECIPE, "stages": [{"epochs": 2, "rate": 0.1}, {"epochs": 18, "rate": 0.01}], "mixup_until": 10}
    short = shortened(recipe, epochs=4, side=32)
    assert [stage["epochs"] for stage in short["stages"]] == [1, 4]
    assert short["sides"] == [[0, 32]]
    assert short["mixup_until"] == 2


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "last.npz"
    checkpoint.save(path, {"model": [np.arange(5.0)]}, checkpoint.Progress(epoch=3), IDENTITY)
    return path


def test_a_checkpoint_comes_back_as_it_was(kept: Path) -> None:
    groups, progress = checkpoint.load(kept, IDENTITY)
    np.testing.assert_array_equal(groups["model"][0], np.arange(5.0))
    assert progress == checkpoint.Progress(epoch=3)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files can't grow larger than this: what a full disk does, in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_checkpoint_before(kept: Path) -> None:
    large = {"model": [np.random.default_rng(0).random(400_000)]}
    with room_for(1_000_000), pytest.raises(InputError, match=r"last\.npz: expected room for a checkpoint, found "):
        checkpoint.save(kept, large, checkpoint.Progress(epoch=4), IDENTITY)
    assert checkpoint.load(kept, IDENTITY)[1].epoch == 3
    assert [path.name for path in kept.parent.iterdir()] == ["last.npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_a_damaged_checkpoint_is_refused(kept: Path, content: bytes) -> None:
    kept.write_bytes(content)
    with pytest.raises(InputError, match=r"last\.npz: expected a whole checkpoint"):
        checkpoint.load(kept, IDENTITY)


def test_a_cut_checkpoint_is_refused(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"last\.npz: expected a whole checkpoint"):
        checkpoint.load(kept, IDENTITY)


@pytest.mark.parametrize("key", ["network", "data_hash", "seed"])
def test_a_checkpoint_of_another_training_is_refused(kept: Path, key: str) -> None:
    with pytest.raises(InputError, match=f"expected a checkpoint of this training, found another {key}"):
        checkpoint.load(kept, {**IDENTITY, key: "other"})
