"""The recipe of a classical model's training. ``training.recipe.read`` reads it from a JSON file and checks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from facial_emotion.errors import InputError
from facial_emotion.records import Json, Valid
from facial_emotion.training import calibrate
from facial_emotion.training.augment import Augmentation

RECIPES = Path(__file__).parent / "recipes"


def _possible_heads(heads: list[str]) -> bool:
    return heads in (["fer2013"], ["fer2013", "people"])


@dataclass(frozen=True)
class Recipe:
    """The settings of a training.

    features: the feature recipe (see features.extract); fit: the settings of the model's ``fit``; tuning: the search
    that chose them; heads: "fer2013", or that and "people" for a model that has a second set of outputs; calibration:
    how scores become probabilities; copies: of Training, moved by ``augment``, that boosted trees are fitted on too.
    """

    features: Json
    fit: Json
    tuning: Json | None = None
    heads: Annotated[list[str], Valid("fer2013, or fer2013 and people", _possible_heads)] = field(
        default_factory=lambda: ["fer2013"]
    )
    calibration: Annotated[str, Valid(f"one of {', '.join(calibrate.METHODS)}", calibrate.METHODS.__contains__)] = (
        "matrix"
    )
    copies: Annotated[int, Valid("0 or more", lambda count: count >= 0)] = 0
    augment: Augmentation = field(default_factory=Augmentation)

    def check(self, place: object) -> None:
        """Raise InputError where copies are not moved, or moves have no copies, or are not boosted on."""
        if (self.copies > 0) != (self.augment != Augmentation()):
            advice = "without copies, rotation, scale and shift are 0"
            raise InputError(place, "'copies' and 'augment', or neither of them", "one of them", advice)
        if self.augment != Augmentation(self.augment.rotation, self.augment.scale, self.augment.shift):
            raise InputError(place, "'augment' with rotation, scale and shift alone", "more")
        if self.copies and "rounds" not in self.fit:
            raise InputError(place, "a recipe without 'copies': only boosted trees take them", "one with them")
