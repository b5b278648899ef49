"""Optimisers with a learning rate per layer: pretrained layers near the input change less than those above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facial_emotion.deep.recipe import OPTIMISERS, Recipe, Stage
from facial_emotion.deep.schedule import lr_multiplier

if TYPE_CHECKING:
    import keras


def build_optimiser(
    recipe: Recipe, stage: Stage, steps_per_epoch: int, variables: list[keras.Variable]
) -> keras.Optimizer:
    """The recipe's optimiser with decoupled weight decay, linear warm-up and cosine decay of the learning rate.

    variables: those that are trained. Loshchilov and Hutter, "SGDR", ICLR 2017, and "Decoupled weight decay
    regularization", ICLR 2019; learning rates by layer: Howard and Ruder, "ULMFiT", ACL 2018.
    """
    from keras import optimizers

    settings = recipe.optimiser
    warmup, total = round(settings.warmup_epochs * steps_per_epoch), stage.epochs * steps_per_epoch
    learning_rate = optimizers.schedules.CosineDecay(
        0.0, max(1, total - warmup), alpha=0.0, warmup_target=stage.learning_rate, warmup_steps=max(1, warmup)
    )
    multipliers = [lr_multiplier(stage.layer_lr_multipliers, variable.path.split("/")[0]) for variable in variables]
    optimiser = with_lr_multipliers(getattr(optimizers, OPTIMISERS[settings.kind][0]), multipliers)(
        learning_rate, weight_decay=settings.weight_decay, global_clipnorm=settings.clip, **settings.options
    )
    optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimiser.build(variables)
    return optimiser


def with_lr_multipliers(base: type[keras.Optimizer], multipliers: list[float]) -> type[keras.Optimizer]:
    """An optimiser class that multiplies the learning rate of each variable, by its index."""
    if all(multiplier == 1 for multiplier in multipliers):
        return base

    def update_step(self: keras.Optimizer, gradient: Any, variable: Any, learning_rate: Any) -> None:
        # Backends pass variables of their own types; the index is what all of them have in common.
        multiplier = multipliers[self._get_variable_index(variable)]
        base.update_step(self, gradient, variable, learning_rate * multiplier)

    return type(f"Layerwise{base.__name__}", (base,), {"update_step": update_step})
