"""Annotated copies of the sources: where they lie, and that none is taken for a source."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from facial_emotion.batch.sources import CAMERA, Source
from facial_emotion.errors import InputError, unwritable

_LONGEST = 255  # bytes of a file's name


def root(sources: Iterable[Source]) -> str:
    """The folder from which the places of all sources are told apart: the deepest that holds what they were listed in.

    Raises InputError where there is none.
    """
    folders = {
        os.path.abspath(source.base or os.path.dirname(source.path))
        for source in sources
        if not source.path.startswith(CAMERA)
    }
    try:
        return os.path.commonpath(folders) if folders else ""
    except ValueError as error:
        raise InputError("--annotate", "sources on one drive", "several drives", "one run for each drive") from error


def place(source: Source, root: str, folder: str, suffix: str) -> Path:
    """The path of a source's copy in a folder, its place below ``root``; its parent folder is created.

    A name that becomes too long is cut, and told apart by a hash. Raises InputError where the folder can't be made.
    """
    if source.path.startswith(CAMERA):
        path = Path(folder, source.path.replace(":", "-"))
    else:
        path = Path(folder, os.path.relpath(os.path.abspath(source.path), root))
    name = path.name + suffix
    if len(os.fsencode(name)) > _LONGEST:
        digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
        name = f"{os.fsencode(path.name)[:200].decode(errors='ignore')}-{digest}{suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    return path.with_name(name)


def without_copies(sources: Iterable[Source], folder: str) -> tuple[list[Source], int]:
    """The sources that are not in the folder of the copies, and the number of those that are."""
    copies = os.path.join(os.path.realpath(folder), "")
    kept, number = [], 0
    for source in sources:
        if not source.path.startswith(CAMERA) and os.path.realpath(source.path).startswith(copies):
            number += 1
        else:
            kept.append(source)
    return kept, number
