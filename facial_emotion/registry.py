"""Models by name: each is a module that has all that training, tuning and its card take from it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType

from facial_emotion.errors import InputError


def module(package: str, modules: dict[str, str], name: str, needed: Sequence[str]) -> ModuleType:
    """The module of a model, from a package's modules by the names of their models.

    Raises InputError where it lacks a name that is needed: before a training, not after it.
    """
    found = importlib.import_module(f"{package}.{modules[name]}")
    missing = [each for each in needed if not hasattr(found, each)]
    if missing:
        raise InputError(found.__file__, f"a model with {', '.join(needed)}", f"none of {', '.join(missing)}")
    return found
