"""Models by name: a folder's listing is the registry, and a file has all that training, tuning and its card take."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from facial_emotion.errors import InputError


def names(package: ModuleType) -> list[str]:
    """The names of the models in a package: those of its files, with hyphens for underscores."""
    files = Path(str(package.__file__)).parent.glob("[!_]*.py")
    return sorted(file.stem.replace("_", "-") for file in files)


def module(package: ModuleType, name: str) -> ModuleType:
    """The module of a model in a package, which has the names in the package's NEEDED.

    Raises InputError where it lacks one of them: before a training, not after it.
    """
    model = importlib.import_module(f"{package.__name__}.{name.replace('-', '_')}")
    missing = [each for each in package.NEEDED if not hasattr(model, each)]
    if missing:
        raise InputError(model.__file__, f"a model with {', '.join(package.NEEDED)}", f"none of {', '.join(missing)}")
    return model
