"""Schedules over the epochs of a training: stages, image sizes, and the learning rates of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facial_emotion.deep.recipe import Recipe


@dataclass(frozen=True)
class Stage:
    """Epochs ``first`` to ``end`` - 1 under one optimiser; the rest as in ``recipe.StageSettings``."""

    first: int
    end: int
    learning_rate: float
    layer_lr_multipliers: dict[str, float]


def stages(recipe: Recipe) -> list[Stage]:
    """The consecutive stages of a recipe."""
    result: list[Stage] = []
    first = 0
    for settings in recipe.stages:
        end = first + settings.epochs
        result.append(Stage(first, end, settings.learning_rate, settings.layer_lr_multipliers))
        first = end
    return result


def image_size(recipe: Recipe, epoch: int) -> int:
    """The side of the crops in an epoch, in pixels: progressive resizing (Tan and Le, "EfficientNetV2", ICML 2021)."""
    return [size for first, size in recipe.image_sizes if epoch >= first][-1]


def lr_multiplier(multipliers: Mapping[str, float], layer: str) -> float:
    """What the learning rate of a layer is multiplied by: the value of the longest prefix of its name, else 1."""
    matching = [prefix for prefix in multipliers if layer.startswith(prefix)]
    return multipliers[max(matching, key=len)] if matching else 1.0
