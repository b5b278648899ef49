"""Training recipes: the settings of a training, read from a JSON file in recipes/ and checked there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from facial_emotion.artifact import OUTPUTS
from facial_emotion.errors import InputError
from facial_emotion.records import read_json

RECIPES = Path(__file__).parent / "recipes"
HEADS = tuple(OUTPUTS)  # the labels that a head answers with, see ``Head``
IMAGE_SIZE = 48  # side of the crops at inference, in pixels
# The Keras class of each kind of optimiser, and the settings it takes besides those that all take.
OPTIMISERS = {"sgd": ("SGD", ("momentum", "nesterov")), "adamw": ("AdamW", ("beta_2",))}
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")

_Types = tuple[type, ...]
_NUMBER: _Types = (int, float)
_STAGE: dict[str, _Types] = {"epochs": (int,), "learning_rate": _NUMBER, "layer_lr_multipliers": (dict,)}


@dataclass(frozen=True)
class StageSettings:
    """Settings of a stage of training.

    learning_rate: the highest; layer_lr_multipliers: for each prefix of a layer's name what the layer's learning rate
    is multiplied by (0: frozen). The longest matching prefix counts; without a match the multiplier is 1.
    """

    epochs: int
    learning_rate: float
    layer_lr_multipliers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class OptimiserSettings:
    """Settings of an optimiser: kind, a key of OPTIMISERS; clip, the global norm that gradients are clipped to.

    options: the settings that only this kind takes.
    """

    kind: str
    weight_decay: float
    warmup_epochs: float
    clip: float
    options: dict[str, float]


@dataclass(frozen=True)
class Augmentation:
    """Amounts of data augmentation, as largest deviations in either direction.

    rotation: degrees; scale and shift: fractions of the image size; brightness: grey levels; contrast: a fraction;
    erasing: the probability that a rectangle is erased (Zhong et al., AAAI 2020); mixup: the parameter of the beta
    distribution that mixing weights are drawn from, 0 for no mixup (Zhang et al., ICLR 2018).
    """

    rotation: float
    scale: float
    shift: float
    brightness: float
    contrast: float
    erasing: float
    mixup: float


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

    models: tuple[str, ...]
    shares: tuple[float, ...]
    views: int = 0
    augment: Augmentation | None = None


@dataclass(frozen=True)
class Recipe:
    """The settings of a training.

    network: arguments of the network's ``build``; heads: by HEADS, in the order of the network's outputs; image_sizes:
    (first epoch, side of the crops in pixels), in rising order; mixup_until: the first epoch without mixup;
    ema_momentum: per step, of the exponential moving average of the weights; tuning: how the settings were found.
    """

    network: dict[str, Any]
    heads: dict[str, Head]
    stages: tuple[StageSettings, ...]
    image_sizes: tuple[tuple[int, int], ...]
    batch: int
    optimiser: OptimiserSettings
    augment: Augmentation
    mixup_until: int
    ema_momentum: float
    precision: str
    teacher: Teacher | None = None
    tuning: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The recipe as in its JSON file: what cards and checkpoints hold."""
        settings = asdict(self)
        settings["stages"] = [
            {key: value for key, value in stage.items() if value != {}} for stage in settings["stages"]
        ]
        settings["image_sizes"] = [list(size) for size in self.image_sizes]
        settings["optimiser"].update(settings["optimiser"].pop("options"))
        if self.teacher:
            settings["teacher"] = _teacher_settings(self.teacher)
        return {key: value for key, value in settings.items() if value is not None}


# The types in JSON of a recipe's keys; the optional ones may be missing.
_RECIPE: dict[str, _Types] = {
    "network": (dict,),
    "heads": (dict,),
    "stages": (list,),
    "image_sizes": (list,),
    "batch": (int,),
    "optimiser": (dict,),
    "augment": (dict,),
    "mixup_until": (int,),
    "ema_momentum": _NUMBER,
    "precision": (str,),
    "teacher": (dict,),
    "tuning": (dict,),
}
_AUGMENTATION: dict[str, _Types] = {setting.name: _NUMBER for setting in fields(Augmentation)}
_TEACHER: dict[str, _Types] = {"model": (str, list), "share": (*_NUMBER, list), "views": (int,), "augment": (dict,)}
_HEAD: dict[str, _Types] = {setting.name: _NUMBER for setting in fields(Head)}


def read(path: Path) -> Recipe:
    """Read a recipe from a JSON file. Raises InputError."""
    try:
        settings = read_json(path, "a recipe in JSON")
    except OSError as error:
        raise InputError(path, "a recipe in JSON", error.strerror or str(error)) from error
    recipe = from_dict(settings, path)
    if recipe.image_sizes[-1][1] != IMAGE_SIZE:
        raise InputError(path, f"'image_sizes' that end with crops of {IMAGE_SIZE}", repr(settings["image_sizes"]))
    return recipe


def from_dict(settings: object, place: object) -> Recipe:
    """A recipe from the content of its JSON file. Raises InputError, which names the place."""
    if not isinstance(settings, dict):
        raise InputError(place, "a JSON object", type(settings).__name__)
    _check(settings, _RECIPE, place, optional=("teacher", "tuning"))
    if settings["precision"] not in PRECISIONS:
        raise InputError(place, f"'precision' one of {', '.join(PRECISIONS)}", repr(settings["precision"]))
    teacher, stages = settings.get("teacher"), _stages(settings["stages"], place)
    return Recipe(
        **{
            **settings,
            "heads": _heads(settings["heads"], place),
            "optimiser": _optimiser(settings["optimiser"], place),
            "teacher": None if teacher is None else _teacher(teacher, place),
            "image_sizes": _image_sizes(settings["image_sizes"], sum(stage.epochs for stage in stages), place),
            "stages": stages,
            "augment": _augmentation(settings["augment"], place),
        }
    )


def _optimiser(settings: dict[str, Any], place: object) -> OptimiserSettings:
    kind = settings.get("kind")
    if kind not in OPTIMISERS:
        raise InputError(place, f"optimiser 'kind' one of {', '.join(OPTIMISERS)}", repr(kind))
    options = OPTIMISERS[kind][1]
    expected = {*options, "kind", "weight_decay", "warmup_epochs", "clip"}
    if set(settings) != expected:
        raise InputError(place, f"an optimiser of {', '.join(sorted(expected))}", ", ".join(sorted(settings)))
    _check(settings, {key: (str,) if key == "kind" else _NUMBER for key in settings}, place, "optimiser.")
    common = {key: value for key, value in settings.items() if key not in options}
    return OptimiserSettings(**common, options={key: settings[key] for key in options})


def _heads(settings: dict[str, Any], place: object) -> dict[str, Head]:
    if not settings or not set(settings) <= set(HEADS):
        raise InputError(place, f"'heads', one or more of {', '.join(HEADS)}", ", ".join(settings) or "none")
    for name, head in settings.items():
        if not isinstance(head, dict):
            raise InputError(place, f"'heads.{name}' of type dict", type(head).__name__)
        _check(head, _HEAD, place, f"heads.{name}.")
    return {name: Head(**head) for name, head in settings.items()}


def _teacher(settings: dict[str, Any], place: object) -> Teacher:
    models, shares, views = _listed(settings.get("model")), _listed(settings.get("share")), settings.get("views", 0)
    valid = all(isinstance(model, str) for model in models) and all(
        isinstance(share, int | float) and 0 <= share <= 1 for share in shares
    )
    if not valid or not models or len(models) != len(shares):
        expected = "a teacher with 'model' and 'share' between 0 and 1, or as many of the one as of the other"
        raise InputError(place, expected, json.dumps(settings))
    if type(views) is not int or views < 0 or (views > 0) != ("augment" in settings):
        raise InputError(place, "a teacher with 'views', 0 or more, and 'augment' for them", json.dumps(settings))
    _check(settings, _TEACHER, place, "teacher.", optional=("views", "augment"))
    augment = _augmentation(settings["augment"], place, "teacher.augment.") if views else None
    if augment and augment.mixup:  # a view shows one crop
        raise InputError(place, "'teacher.augment.mixup' 0", repr(augment.mixup))
    return Teacher(models, shares, views, augment)


def _listed(value: Any) -> tuple[Any, ...]:
    """The values of a setting that is one value or a list of them."""
    return tuple(value) if isinstance(value, list) else (value,)


def _teacher_settings(teacher: Teacher) -> dict[str, Any]:
    """A teacher as in a recipe's JSON file."""
    several = len(teacher.models) > 1
    settings: dict[str, Any] = {
        "model": list(teacher.models) if several else teacher.models[0],
        "share": list(teacher.shares) if several else teacher.shares[0],
    }
    if teacher.augment:
        settings |= {"views": teacher.views, "augment": asdict(teacher.augment)}
    return settings


def _image_sizes(settings: list[Any], epochs: int, place: object) -> tuple[tuple[int, int], ...]:
    pairs = [
        pair for pair in settings if isinstance(pair, list | tuple) and [type(part) for part in pair] == [int, int]
    ]
    if len(pairs) < len(settings) or not pairs or pairs[0][0] != 0:
        raise InputError(place, "'image_sizes' of pairs [first epoch, image size], the first at 0", repr(settings))
    if pairs[-1][0] >= epochs:
        raise InputError(place, f"'image_sizes' that begin within {epochs} epochs", repr(pairs[-1]))
    return tuple((first, size) for first, size in pairs)


def _stages(settings: list[Any], place: object) -> tuple[StageSettings, ...]:
    if not settings:
        raise InputError(place, "'stages', one or more", "none")
    for index, stage in enumerate(settings):
        if not isinstance(stage, dict):
            raise InputError(place, f"'stages.{index}' of type dict", type(stage).__name__)
        _check(stage, _STAGE, place, f"stages.{index}.", optional=("layer_lr_multipliers",))
        multipliers = stage.get("layer_lr_multipliers", {})
        _check(multipliers, dict.fromkeys(multipliers, _NUMBER), place, f"stages.{index}.layer_lr_multipliers.")
    return tuple(StageSettings(**stage) for stage in settings)


def _augmentation(settings: dict[str, Any], place: object, prefix: str = "augment.") -> Augmentation:
    _check(settings, _AUGMENTATION, place, prefix)
    return Augmentation(**settings)


def _check(
    settings: Mapping[str, Any],
    expected: Mapping[str, _Types],
    place: object,
    prefix: str = "",
    optional: tuple[str, ...] = (),
) -> None:
    """Raise InputError unless the settings have the expected keys, with values of the expected types, and no others."""
    for key, kinds in expected.items():
        if key in optional and key not in settings:
            continue
        if not isinstance(settings.get(key), kinds):
            actual = type(settings[key]).__name__ if key in settings else "nothing"
            raise InputError(place, f"{prefix + key!r} of type {' or '.join(kind.__name__ for kind in kinds)}", actual)
    unknown = [prefix + key for key in settings if key not in expected]
    if unknown:
        raise InputError(place, f"only the settings {', '.join(prefix + key for key in expected)}", ", ".join(unknown))
