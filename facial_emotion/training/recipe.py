"""Recipes: the settings of a training, read from JSON and checked there.

A model's own recipe, in its track's recipes/, has all settings; another states only what differs from it.
"""

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


def read(kind: type[Recipe], path: Path, own: Path | None = None) -> Recipe:
    """A track's recipe from a JSON file. Raises InputError, also for settings that it has not.

    own: the model's own recipe, which has what the file leaves out.
    """
    content = _content(path)
    return checked(kind, merged(_content(own), content) if own else content, path)


def checked(kind: type[Recipe], content: object, place: object) -> Recipe:
    """A recipe from the content of its JSON file. Raises InputError, which names the place."""
    recipe = parse(kind, content, place, strict=True)
    recipe.check(place)
    return recipe


def merged(own: object, other: object) -> object:
    """Settings in which those of ``other`` replace a model's own. Objects are merged, but not heads.

    They are the outputs that a training has, so that a recipe which names any names all.
    """
    if not (isinstance(own, dict) and isinstance(other, dict)):
        return other
    return {**own, **{key: value if key == "heads" else merged(own.get(key), value) for key, value in other.items()}}


def difference(own: object, other: object) -> object:
    """The settings of a complete recipe that a model's own has otherwise: what ``merged`` makes it of."""
    if not (isinstance(own, dict) and isinstance(other, dict)):
        return other
    differing = {key: value for key, value in other.items() if key not in own or value != own[key]}
    return {key: value if key == "heads" else difference(own.get(key), value) for key, value in differing.items()}


def _content(path: Path) -> object:
    try:
        return read_json(path, "a recipe in JSON")
    except OSError as error:
        raise InputError(path, "a recipe in JSON", error.strerror or str(error)) from error
