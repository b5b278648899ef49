"""Recipes: the settings of a training, read from JSON and checked there.

A model's own recipe, in its track's recipes/, has all settings; another states only what differs from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

from facial_emotion.errors import InputError
from facial_emotion.records import Json, parse, read_json

_OF_THE_MODEL = ("features", "fit", "network")  # groups whose settings no record lists: a model's own recipe does


class Checked(Protocol):
    """A record whose fields have to fit one another."""

    def check(self, place: object) -> None:
        """Raise InputError, which names the place, where they don't."""


Recipe = TypeVar("Recipe", bound=Checked)


def read(kind: type[Recipe], path: Path, own: Path | None = None) -> Recipe:
    """A track's recipe from a JSON file. Raises InputError, also for settings that it has not.

    own: the file of the model's own recipe, from which come the settings that the other leaves out.
    """
    if own is None or own == path:
        return checked(kind, _content(path), path)
    settings = _content(own)
    checked(kind, settings, own)  # so that the error names the file that is wrong
    return checked(kind, completed(settings, _content(path), path), path)


def checked(kind: type[Recipe], content: object, place: object) -> Recipe:
    """A recipe from the content of its JSON file. Raises InputError, which names the place."""
    recipe = parse(kind, content, place, strict=True)
    recipe.check(place)
    return recipe


def completed(own: object, other: object, place: object) -> object:
    """The settings of a model's own recipe with those that another one states, both as JSON.

    Raises InputError for a setting of the features, the fit or the network that the model's own has not.
    """
    if not (isinstance(own, dict) and isinstance(other, dict)):
        return other
    for name in _OF_THE_MODEL:
        known, stated = own.get(name) or {}, other.get(name)
        unknown = [setting for setting in stated if setting not in known] if isinstance(stated, dict) else []
        if unknown:
            raise InputError(place, f"only {', '.join(known) or 'nothing'} in {name!r}", ", ".join(unknown))
    return merged({**own, "tuning": None}, other)  # another recipe was not found by the search for the first


def merged(own: object, other: object) -> object:
    """Settings in which those of ``other`` replace a model's own.

    Objects are merged. Lists are replaced; so are objects of another kind, such as an optimiser, and the set of heads,
    since they are the outputs that a training has.
    """
    if not (isinstance(own, dict) and isinstance(other, dict)) or own.get("kind") != other.get("kind", own.get("kind")):
        return other
    together: Json = {key: merged(own.get(key), value) for key, value in other.items()}
    if isinstance(together.get("heads"), dict):
        together["heads"] = {name: head for name, head in together["heads"].items() if name in other["heads"]}
    return {**own, **together}


def difference(own: object, other: object) -> object:
    """What a complete recipe sets otherwise than a model's own; ``merged`` makes the recipe of both."""
    if not (isinstance(own, dict) and isinstance(other, dict)) or own.get("kind") != other.get("kind"):
        return other
    differing = {key: value for key, value in other.items() if key not in own or value != own[key]}
    return {key: value if key == "heads" else difference(own.get(key), value) for key, value in differing.items()}


def _content(path: Path) -> object:
    try:
        return read_json(path, "a recipe in JSON")
    except OSError as error:
        raise InputError(path, "a recipe in JSON", error.strerror or str(error)) from error
