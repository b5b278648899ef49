"""Recipes are read back as they were written, and a search belongs to its recipe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.classical.recipe import RECIPES as CLASSICAL_RECIPES
from facial_emotion.classical.recipe import Recipe as ClassicalRecipe
from facial_emotion.data import fer2013
from facial_emotion.deep.recipe import RECIPES as NETWORKS
from facial_emotion.deep.recipe import Head, Recipe
from facial_emotion.errors import InputError
from facial_emotion.records import Json, to_json
from facial_emotion.training.job import Job, recipe_of
from facial_emotion.training.recipe import checked, completed, difference, merged, read
from facial_emotion.training.tune import Limits, tune
from tests.deep.conftest import RECIPE

CLASSICAL: Json = {
    "features": {"blocks": [["geometry"]]},
    "fit": {"blocks": [{"components": [10, 5], "weight": 1.0}], "gamma": 1.0, "ridge": 0.1, "class_weight_power": 0.0},
}


@pytest.mark.parametrize("change", [{"nesterov": False}, {"momentum": 0}, {"momentum": 0.0, "nesterov": False}])
def test_settings_that_are_false_or_zero_are_kept(change: dict[str, object]) -> None:
    recipe = checked(Recipe, {**RECIPE, "optimiser": {**RECIPE["optimiser"], **change}}, "recipe")
    assert checked(Recipe, to_json(recipe), "again") == recipe


def test_copies_are_moved_by_what_moves_them() -> None:
    for wrong in ({"copies": 1, "augment": {"brightness": 20}}, {"copies": 1, "augment": {"shift": 0.1, "mixup": 0.2}}):
        with pytest.raises(InputError, match="'augment' with rotation, scale and shift alone"):
            checked(ClassicalRecipe, {**CLASSICAL, **wrong}, "recipe")


def test_what_a_recipe_leaves_out_is_the_models_own(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"fit": {"parameters": {"num_leaves": 31}}, "copies": 0, "augment": {}}')
    with pytest.raises(InputError, match="'copies' and 'augment', or neither of them"):
        recipe_of("lightgbm", tmp_path / "recipe.json")
    (tmp_path / "recipe.json").write_text('{"fit": {"parameters": {"num_leaves": 31}}}')
    own, recipe = recipe_of("lightgbm"), recipe_of("lightgbm", tmp_path / "recipe.json")
    parameters = {**own.fit["parameters"], "num_leaves": 31}
    assert recipe == replace(own, fit={**own.fit, "parameters": parameters})


@pytest.mark.parametrize(
    ("stated", "heads"),
    [
        ({"people": {"class_weight_power": 0.2, "label_smoothing": 0.0}}, {"people": Head(0.2, 0.0)}),
        ({"fer2013": {"label_smoothing": 0.0}}, {"fer2013": Head(0.1, 0.0)}),
    ],
)
def test_a_recipe_names_all_its_heads(stated: Json, heads: dict[str, Head], tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({"heads": stated}))
    assert recipe_of("cnn", tmp_path / "recipe.json").heads == heads


def test_an_optimiser_of_another_kind_is_stated_whole(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"optimiser": {"kind": "adamw", "beta_2": 0.99}}')
    with pytest.raises(InputError, match="optimiser: expected 'weight_decay' of type float, found nothing"):
        recipe_of("cnn", tmp_path / "recipe.json")
    stated = {"kind": "adamw", "beta_2": 0.99, "weight_decay": 0.02, "warmup_epochs": 1, "clip": 5.0}
    (tmp_path / "recipe.json").write_text(json.dumps({"optimiser": stated}))
    assert recipe_of("cnn", tmp_path / "recipe.json").optimiser.momentum is None


@pytest.mark.parametrize(
    ("model", "stated", "known"),
    [
        ("svm", '{"fit": {"gama": 2.0}}', "blocks, gamma"),
        ("lightgbm", '{"features": {"block": []}}', "blocks in 'features'"),
        ("cnn", '{"network": {"widths": 3}}', "stem, stem_stride"),
    ],
)
def test_settings_that_a_model_has_not_are_refused(model: str, stated: str, known: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(stated)
    with pytest.raises(InputError, match=rf"recipe\.json: expected only {known}.*, found (gama|block|widths)"):
        recipe_of(model, tmp_path / "recipe.json")


def test_the_search_of_the_models_own_recipe_is_not_anothers() -> None:
    settings = completed({**CLASSICAL, "tuning": {"trials": 20}}, {"fit": {"gamma": 2.0}}, "recipe")
    assert checked(ClassicalRecipe, settings, "recipe").tuning is None


@pytest.mark.parametrize(
    "path", sorted([*CLASSICAL_RECIPES.glob("*_*.json"), *NETWORKS.glob("*_*.json")]), ids=lambda path: path.stem
)
def test_a_shipped_recipe_states_only_what_differs(path: Path) -> None:
    model = path.stem.split("_")[0]
    own, stated = (json.loads(each.read_text()) for each in (path.with_stem(model), path))
    assert difference(own, stated) == stated
    assert recipe_of(model, path) != recipe_of(model)


_KEYS = ["heads", "fit", "kind", "rate"]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.lists(st.integers(), max_size=2),
    lambda values: st.dictionaries(st.sampled_from(_KEYS), values, max_size=3),
    max_leaves=8,
)
_SETTINGS = st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=3)


@given(_SETTINGS, _SETTINGS)
def test_a_difference_restores_the_recipe(own: Json, stated: Json) -> None:
    whole = merged(own, stated)
    assert isinstance(whole, dict)
    assert merged(own, difference(own, whole)) == whole


@pytest.mark.training
def test_each_recipe_has_a_search_of_its_own(small_csv: Path, cache: Path, tmp_path: Path) -> None:
    data = fer2013.load(small_csv)
    found = []
    for gamma in (1.0, 2.0):
        settings = {**CLASSICAL, "fit": {**CLASSICAL["fit"], "gamma": gamma}}
        (tmp_path / "recipe.json").write_text(json.dumps(settings))
        recipe = read(ClassicalRecipe, tmp_path / "recipe.json")
        tune(Job("svm", recipe, data), "recipe.json", tmp_path / f"{gamma}.json", 1, Limits(rows=100))
        found.append(json.loads((tmp_path / f"{gamma}.json").read_text())["fit"]["gamma"])
    assert found == [1.0, 2.0]
    with pytest.raises(InputError, match="expected another file than the model's own recipe"):
        tune(Job("svm", recipe, data), "recipe.json", CLASSICAL_RECIPES / "svm.json", 1, Limits(rows=100))
    nothing = checked(ClassicalRecipe, {**CLASSICAL, "fit": {**CLASSICAL["fit"], "gamma": None}}, "recipe")
    with pytest.raises(InputError, match=r"mine\.json: expected a number 'fit.gamma' to begin with, found null"):
        tune(Job("svm", nothing, data), "mine.json", tmp_path / "out.json", 1, Limits(rows=100))
