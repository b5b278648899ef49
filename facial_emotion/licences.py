"""Licences of this installation: of the packages that running needs, of libraries in them, and of the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

PACKAGE = "facial-emotion"
RUNNING = ("cli", "serve", "app", "bench")  # the extras that are not for development or training
# Libraries under a licence that asks for more than naming it, by the beginning of their file's name.
_COPYLEFT = {
    "libx264": "GPL-2.0-or-later",
    "libx265": "GPL-2.0-or-later",
    "libgfortran": "GPL-3.0-or-later with the runtime exception",
    "libquadmath": "LGPL-2.1-or-later",
    "libavcodec": "LGPL-2.1-or-later, GPL with libx264",
    "libmp3lame": "LGPL-2.0-or-later",
    "libgmp": "LGPL-3.0-or-later",
    "libgnutls": "LGPL-2.1-or-later",
}
_TEXT = 60  # characters: a longer field is the licence's text, not its name


class Licence(NamedTuple):
    """A package's or model's licence. carries: libraries inside, under other licences."""

    name: str
    version: str
    licence: str
    carries: str


def packages() -> Iterator[Licence]:
    """The installed packages that this one needs to run, itself first, then by name."""
    found = _needed()
    for name in sorted(found, key=lambda name: (name != PACKAGE, name)):
        yield Licence(name, found[name].version, _licence(found[name]), "; ".join(_carried(found[name])))


def models() -> Iterator[Licence]:
    """The trained models."""
    from facial_emotion import recognizers

    for name in recognizers.names():
        yield Licence(name, "", recognizers.card(name).licence, "")


def _needed() -> dict[str, metadata.Distribution]:
    """Installed distributions by their normalised names: this package and, with its extras, what they require."""
    from packaging.requirements import Requirement

    found: dict[str, metadata.Distribution] = {}
    ahead: list[tuple[str, tuple[str, ...]]] = [(PACKAGE, ("", *RUNNING))]
    seen = set()
    while ahead:
        name, extras = ahead.pop()
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of an extra that is not installed
            continue
        found[name] = distribution
        for text in distribution.requires or ():
            wanted = Requirement(text)
            needed = (_normalised(wanted.name), ("", *sorted(wanted.extras)))
            applies = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras)
            if applies and needed not in seen:
                seen.add(needed)
                ahead.append(needed)
    return found


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(distribution: metadata.Distribution) -> str:
    """The licence that a package names: by its expression, a short text, or its classifiers."""
    fields = distribution.metadata
    named = next((text for key in ("License-Expression", "License") for text in fields.get_all(key) or () if text), "")
    if named and len(named) <= _TEXT and "\n" not in named:
        return str(named)
    classifiers = [
        text.rpartition(" :: ")[2] for text in fields.get_all("Classifier") or () if text.startswith("License ::")
    ]
    first_line = named.strip().splitlines()[0][:_TEXT] if named.strip() else "not named"
    return ", ".join(classifiers) or first_line


def _carried(distribution: metadata.Distribution) -> list[str]:
    """The libraries in a package's files whose licence asks for more than naming it."""
    names = {
        file.name for file in distribution.files or () if ".so" in file.name or file.name.endswith((".dll", ".dylib"))
    }
    return [
        f"{library} ({licence})"
        for library, licence in _COPYLEFT.items()
        if any(name.startswith((library, library.removeprefix("lib"))) for name in names)
    ]
