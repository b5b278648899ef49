"""Optimisers whose rate depends on depth: layers near the input keep more of what they know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facial_emotion.deep.recipe import OPTIMISERS

if TYPE_CHECKING:
    import keras

    from facial_emotion.deep.loop import Stage


def optimiser_for(recipe: dict[str, Any], stage: Stage, steps: int, variables: list[keras.Variable]) -> keras.Optimizer:
    """The recipe's optimiser with decoupled weight decay and a rate that warms up, then falls as a cosine.

    steps: of one epoch; variables: those that are trained. Loshchilov and Hutter, "SGDR", ICLR 2017, and "Decoupled
    weight decay regularization", ICLR 2019; rates by depth: Howard and Ruder, "ULMFiT", ACL 2018.
    """
    from keras import optimizers

    from facial_emotion.deep.loop import share_of

    settings = recipe["optimiser"]
    warm, total = round(settings["warmup_epochs"] * steps), (stage.end - stage.first) * steps
    rate = optimizers.schedules.CosineDecay(
        0.0, max(1, total - warm), alpha=0.0, warmup_target=stage.rate, warmup_steps=max(1, warm)
    )
    shares = [share_of(stage.depth_rates, variable.path.split("/")[0]) for variable in variables]
    kind, options = OPTIMISERS[settings["kind"]]
    optimiser = by_depth(getattr(optimizers, kind), shares)(
        rate,
        weight_decay=settings["weight_decay"],
        global_clipnorm=settings["clip"],
        **{option: settings[option] for option in options},
    )
    optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimiser.build(variables)
    return optimiser


def by_depth(kind: type[keras.Optimizer], shares: list[float]) -> type[keras.Optimizer]:
    """The optimiser, with the rate of each variable times its share."""
    if all(share == 1 for share in shares):
        return kind

    class ByDepth(kind):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            # A backend hands in variables of its own; the index is what all of them have in common.
            share = shares[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * share)

    return ByDepth
