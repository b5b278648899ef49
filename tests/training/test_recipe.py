"""Recipes are read back as they were written, and a search belongs to its recipe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.classical.recipe import Recipe as ClassicalRecipe
from facial_emotion.data import fer2013
from facial_emotion.deep.recipe import Recipe
from facial_emotion.errors import InputError
from facial_emotion.records import Json, to_json
from facial_emotion.training.job import Job, recipe_of
from facial_emotion.training.recipe import checked, difference, merged, read
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


def test_a_recipe_names_all_its_heads(tmp_path: Path) -> None:
    head = {"people": {"class_weight_power": 0.0, "label_smoothing": 0.0}}
    (tmp_path / "recipe.json").write_text(json.dumps({"heads": head}))
    assert list(recipe_of("cnn", tmp_path / "recipe.json").heads) == ["people"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.lists(st.integers(), max_size=2),
    lambda values: st.dictionaries(st.sampled_from(["heads", "fit", "rate"]), values, max_size=3),
    max_leaves=8,
)
_SETTINGS = st.dictionaries(st.sampled_from(["heads", "fit", "rate"]), _VALUES, max_size=3)


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
    nothing = checked(ClassicalRecipe, {**CLASSICAL, "fit": {**CLASSICAL["fit"], "gamma": None}}, "recipe")
    with pytest.raises(InputError, match=r"mine\.json: expected a number 'fit.gamma' to begin with, found null"):
        tune(Job("svm", nothing, data), "mine.json", tmp_path / "out.json", 1, Limits(rows=100))
