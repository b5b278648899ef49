"""Recipes: the settings of a training, read from a JSON file in a track's recipes/ and checked there."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

from facial_emotion.errors import InputError
from facial_emotion.records import parse, read_json


class Checked(Protocol):
    """A record whose fields have to fit one another."""

    def check(self, place: object) -> None:
        """Raise InputError, which names the place, where they don't."""


Recipe = TypeVar("Recipe", bound=Checked)


def read(kind: type[Recipe], path: Path) -> Recipe:
    """A track's recipe from a JSON file. Raises InputError, also for settings that it has not."""
    try:
        content = read_json(path, "a recipe in JSON")
    except OSError as error:
        raise InputError(path, "a recipe in JSON", error.strerror or str(error)) from error
    return checked(kind, content, path)


def checked(kind: type[Recipe], content: object, place: object) -> Recipe:
    """A recipe from the content of its JSON file. Raises InputError, which names the place."""
    recipe = parse(kind, content, place, strict=True)
    recipe.check(place)
    return recipe
