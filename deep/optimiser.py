"""Stochastic gradient descent whose rate depends on depth: layers near the input keep more of what they know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from deep.loop import Stage


def optimiser_for(recipe: dict[str, Any], stage: Stage, steps: int, variables: list[keras.Variable]) -> keras.Optimizer:
    """Nesterov momentum, decoupled weight decay, and a rate that warms up, then falls as a cosine.

    steps: of one epoch; variables: those that are trained. Loshchilov and Hutter, "SGDR", ICLR 2017, and "Decoupled
    weight decay regularization", ICLR 2019; rates by depth: Howard and Ruder, "ULMFiT", ACL 2018.
    """
    from keras import optimizers

    from deep.loop import share_of

    settings = recipe["optimiser"]
    warm, total = round(settings["warmup_epochs"] * steps), (stage.end - stage.first) * steps
    rate = optimizers.schedules.CosineDecay(
        0.0, max(1, total - warm), alpha=0.0, warmup_target=stage.rate, warmup_steps=max(1, warm)
    )

    shares = [share_of(stage.depth_rates, variable.path.split("/")[0]) for variable in variables]

    class ByDepth(optimizers.SGD):
        """SGD that slows each variable by a share: of plain momentum that is the same as a smaller gradient."""

        def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
            scaled = [gradient * share for gradient, share in zip(grads, shares, strict=True)]
            super().apply(scaled, trainable_variables)

    optimiser = (ByDepth if stage.depth_rates else optimizers.SGD)(
        rate,
        momentum=settings["momentum"],
        nesterov=True,
        weight_decay=settings["weight_decay"],
        global_clipnorm=settings["clip"],
    )
    optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimiser.build(variables)
    return optimiser
