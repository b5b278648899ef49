"""The recipe of a network's training. ``training.recipe.read`` reads it from a JSON file and checks it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from facial_emotion.artifact import OUTPUTS
from facial_emotion.errors import InputError
from facial_emotion.records import Json, Valid, to_json
from facial_emotion.training.augment import Augmentation

RECIPES = Path(__file__).parent / "recipes"
HEADS = tuple(OUTPUTS)  # the labels that a head answers with, see ``Head``
IMAGE_SIZE, SMALLEST = 48, 32  # side of the crops at inference and the least in training, in pixels
# The Keras class of each kind of optimiser, and the settings it takes besides those that all take.
OPTIMISERS = {"sgd": ("SGD", ("momentum", "nesterov")), "adamw": ("AdamW", ("beta_2",))}
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def _one_crop(augment: Augmentation) -> bool:
    return augment.mixup == 0


def _known(heads: Json) -> bool:
    return bool(heads) and set(heads) <= set(HEADS)


def _sizes(pairs: list[list[int]]) -> bool:
    if not pairs or any(len(pair) != 2 or pair[1] < SMALLEST for pair in pairs):
        return False
    first = [pair[0] for pair in pairs]
    return first == sorted(set(first)) and first[0] == 0 and pairs[-1][1] == IMAGE_SIZE


Count = Annotated[int, Valid("1 or more", lambda count: count >= 1)]
SOME = Valid("one or more", bool)
SIZES = Valid(
    f"pairs [first epoch, image size] from epoch 0 on, of {SMALLEST} or more pixels, last {IMAGE_SIZE}", _sizes
)
POSITIVE = Valid("above 0", lambda value: value > 0)
NOT_NEGATIVE = Valid("0 or more", lambda value: value >= 0)


@dataclass(frozen=True)
class Stage:
    """Consecutive epochs under one optimiser.

    learning_rate: the highest; layer_lr_multipliers: for each prefix of a layer's name what the layer's learning rate
    is multiplied by (0: frozen). The longest matching prefix counts; without a match the multiplier is 1.
    """

    epochs: Count
    learning_rate: float
    layer_lr_multipliers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Optimiser:
    """Settings of an optimiser: kind, a key of OPTIMISERS; clip, the global norm that gradients are clipped to."""

    kind: Annotated[str, Valid(f"one of {', '.join(OPTIMISERS)}", OPTIMISERS.__contains__)]
    weight_decay: Annotated[float, NOT_NEGATIVE]
    warmup_epochs: Annotated[float, NOT_NEGATIVE]
    clip: Annotated[float, POSITIVE]
    momentum: float | None = None
    nesterov: bool | None = None
    beta_2: float | None = None

    @property
    def options(self) -> Json:
        """The settings that only this kind takes."""
        return {name: getattr(self, name) for name in OPTIMISERS[self.kind][1]}

    def check(self, place: object) -> None:
        """Raise InputError unless there are the settings of its kind, and no others."""
        own = set(OPTIMISERS[self.kind][1])
        given = {name for _, names in OPTIMISERS.values() for name in names if getattr(self, name) is not None}
        if own != given:
            raise InputError(
                place, f"an optimiser {self.kind} with {', '.join(sorted(own))}", ", ".join(sorted(given)) or "none"
            )


@dataclass(frozen=True)
class Head:
    """Settings of an output head, which answers with FER2013's labels or with the distribution of people's votes.

    class_weight_power: 0 for equal class weights, 1 for inverse frequency.
    """

    class_weight_power: float
    label_smoothing: float


@dataclass(frozen=True)
class Teacher:
    """The teachers of a distillation: recognizers' names, and the weight (0-1) of each one's predictions in targets.

    A teacher's predictions become targets of the head with its labels. views: for how many augmented views of each
    crop they are asked, which the student then sees in turn (Beyer et al., "A good teacher is patient and consistent",
    CVPR 2022), or 0 for the crop itself alone; augment: the augmentation of the views, which the recipe's comes upon.
    """

    models: Annotated[list[str], SOME]
    shares: list[Annotated[float, Valid("between 0 and 1", lambda share: 0 <= share <= 1)]]
    views: Annotated[int, Valid("0 or more", lambda count: count >= 0)] = 0
    augment: Annotated[Augmentation | None, Valid("without mixup: a view shows one crop", _one_crop)] = None

    def check(self, place: object) -> None:
        """Raise InputError unless each model has a share, and views an augmentation."""
        if len(self.models) != len(self.shares) or (self.views > 0) != (self.augment is not None):
            expected = "a teacher with as many 'shares' as 'models', and with 'augment' where it has 'views'"
            raise InputError(place, expected, str(to_json(self)))


@dataclass(frozen=True)
class Recipe:
    """The settings of a training.

    network: arguments of the network's ``build``; heads: by HEADS, in the order of the network's outputs; image_sizes:
    [first epoch, side of the crops in pixels], in rising order; mixup_until: the first epoch without mixup;
    ema_momentum: per step, of the exponential moving average of the weights; tuning: how the settings were found.
    """

    network: Json
    heads: Annotated[dict[str, Head], Valid(f"one or more of {', '.join(HEADS)}", _known)]
    stages: Annotated[list[Stage], SOME]
    image_sizes: Annotated[list[list[int]], SIZES]
    batch: Count
    optimiser: Optimiser
    augment: Augmentation
    mixup_until: Annotated[int, NOT_NEGATIVE]
    ema_momentum: Annotated[float, Valid("from 0 to below 1", lambda value: 0 <= value < 1)]
    precision: Annotated[str, Valid(f"one of {', '.join(PRECISIONS)}", PRECISIONS.__contains__)]
    teacher: Teacher | None = None
    tuning: Json | None = None

    @property
    def epochs(self) -> int:
        """The epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def check(self, place: object) -> None:
        """Raise InputError where settings do not fit one another."""
        self.optimiser.check(place)
        if self.teacher:
            self.teacher.check(place)
        if self.image_sizes[-1][0] >= self.epochs:
            raise InputError(place, f"'image_sizes' that begin within {self.epochs} epochs", str(self.image_sizes[-1]))
