"""What a network is trained by: a JSON file in recipes/, checked where it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from facial_emotion.errors import InputError

RECIPES = Path(__file__).parent / "recipes"
LABELS = ("fer", "fer+", "both")
SIDE = 48  # of the crops that are served
# What an optimiser is called in Keras, and which of a recipe's settings it takes besides those of all.
OPTIMISERS = {"sgd": ("SGD", ("momentum", "nesterov")), "adamw": ("AdamW", ("beta_2",))}
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")

# The keys of a recipe, and the type of each.
FIELDS: dict[str, type | tuple[type, ...]] = {
    "network": dict,  # what deep/<name>.py builds from
    "labels": str,  # targets: FER2013's labels, FER+'s votes, or the mean of both
    "stages": list,  # {"epochs", "rate", "depth_rates"}, one after the other
    "sides": list,  # [first epoch, side of the crops], rising
    "batch": int,
    "optimiser": dict,  # "kind" and its options (OPTIMISERS), "weight_decay", "warmup_epochs", "clip"
    "augment": dict,  # deep/augment.py
    "mixup_until": int,  # the first epoch without mixup
    "label_smoothing": (int, float),
    "class_weight_power": (int, float),
    "average": (int, float),  # momentum of the averaged weights, a step
    "precision": str,
}
# Those that a recipe may leave out.
OPTIONAL: dict[str, type | tuple[type, ...]] = {
    "teacher": dict,  # {"model", a recognizer; "share", what part of the targets is its}
}


def read(path: Path) -> dict[str, Any]:
    """A recipe from a file. Raises InputError."""
    try:
        recipe = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(path, "a recipe in JSON", f"{type(error).__name__}: {error}") from error
    if not isinstance(recipe, dict):
        raise InputError(path, "a JSON object", type(recipe).__name__)
    for key, kind in {**FIELDS, **OPTIONAL}.items():
        if key in OPTIONAL and key not in recipe:
            continue
        if not isinstance(recipe.get(key), kind):
            names = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
            raise InputError(
                path, f"{key!r} of type {names}", type(recipe[key]).__name__ if key in recipe else "nothing"
            )
    for key, choices in (("labels", LABELS), ("precision", PRECISIONS)):
        if recipe[key] not in choices:
            raise InputError(path, f"{key!r} one of {', '.join(choices)}", repr(recipe[key]))
    kind = recipe["optimiser"].get("kind")
    if kind not in OPTIMISERS:
        raise InputError(path, f"optimiser 'kind' one of {', '.join(OPTIMISERS)}", repr(kind))
    wanted = {*OPTIMISERS[kind][1], "kind", "weight_decay", "warmup_epochs", "clip"}
    if set(recipe["optimiser"]) != wanted:
        raise InputError(path, f"an optimiser of {', '.join(sorted(wanted))}", ", ".join(sorted(recipe["optimiser"])))
    teacher = recipe.get("teacher")
    if teacher is not None:
        share = teacher.get("share")
        if set(teacher) != {"model", "share"} or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise InputError(path, "a teacher with 'model' and 'share' between 0 and 1", json.dumps(teacher))
    if not recipe["sides"] or recipe["sides"][-1][1] != SIDE:
        raise InputError(path, f"'sides' that end with crops of {SIDE}", repr(recipe["sides"]))
    return recipe
