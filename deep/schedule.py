"""Schedules over the epochs of a training: stages, image sizes, and the learning rates of layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate

from facial_emotion.deep.recipe import Recipe, Stage


def stages(recipe: Recipe) -> Iterator[tuple[int, int, Stage]]:
    """The consecutive stages of a recipe, each with its first epoch and the one after its last."""
    for stage, end in zip(recipe.stages, accumulate(stage.epochs for stage in recipe.stages), strict=True):
        yield end - stage.epochs, end, stage


def image_size(recipe: Recipe, epoch: int) -> int:
    """The side of the crops in an epoch, in pixels: progressive resizing (Tan and Le, "EfficientNetV2", ICML 2021)."""
    return [size for first, size in recipe.image_sizes if epoch >= first][-1]


def lr_multiplier(multipliers: Mapping[str, float], layer: str) -> float:
    """What the learning rate of a layer is multiplied by: the value of the longest prefix of its name, else 1."""
    matching = [prefix for prefix in multipliers if layer.startswith(prefix)]
    return multipliers[max(matching, key=len)] if matching else 1.0
