"""What a user named on the command line -> the pictures, videos and cameras that it means, always in the same order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CAMERA = "camera:"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"})


@dataclass(frozen=True, slots=True)
class Source:
    """A picture, video or camera. path: as it stands in the results; base: the folder that it was found under."""

    path: str
    base: str = ""

    @property
    def kind(self) -> str:
        """ "picture", "video" or "camera"."""
        if self.path.startswith(CAMERA):
            return "camera"
        return "video" if Path(self.path).suffix.lower() in VIDEOS else "picture"

    @property
    def place(self) -> Path:
        """Where in a folder of annotated copies this one stands: its path under the folder it was found in."""
        path = Path(self.path)
        return path.relative_to(self.base) if self.base else Path(path.name.replace(":", "-"))


def sources(words: Iterable[str]) -> Iterator[Source]:
    """The sources that words mean: a file, a folder with all below it, a pattern, or "camera:0".

    Of folders and patterns those files are taken whose suffix is a picture's or video's. A word that means nothing
    is given as it is, so that reading it fails and is said.
    """
    for word in words:
        if os.path.isdir(word):
            yield from _below(word)
        elif glob.has_magic(word) and not os.path.exists(word):
            found = sorted(path for path in glob.iglob(word, recursive=True) if _wanted(path))
            yield from (Source(path) for path in found or [word])
        else:
            yield Source(word)


def _below(folder: str) -> Iterator[Source]:
    for here, folders, files in os.walk(folder):
        folders.sort()
        yield from (Source(os.path.join(here, name), folder) for name in sorted(files) if _wanted(name))


def _wanted(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in PICTURES | VIDEOS
