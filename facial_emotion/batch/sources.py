"""Expansion of command-line arguments into pictures, videos and cameras, in a reproducible order."""

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
    """A picture, video or camera. path: as the results name it; base: the folder whose contents it was listed with."""

    path: str
    base: str = ""

    @property
    def kind(self) -> str:
        """ "picture", "video" or "camera"."""
        if self.path.startswith(CAMERA):
            return "camera"
        return "video" if Path(self.path).suffix.lower() in VIDEOS else "picture"

    @property
    def relative_path(self) -> Path:
        """The path of its annotated copy in the folder of copies: its path relative to ``base``, or its name."""
        path = Path(self.path)
        return path.relative_to(self.base) if self.base else Path(path.name.replace(":", "-"))


def find_sources(arguments: Iterable[str]) -> Iterator[Source]:
    """The sources of arguments: a file, a folder with everything below it, a glob pattern, or "camera:0".

    Folders and patterns give the files with the suffix of a picture or video. An argument without any match is returned
    as it is, so that reading it fails and is reported.
    """
    for argument in arguments:
        if os.path.isdir(argument):
            yield from _in_folder(argument)
        elif glob.has_magic(argument) and not os.path.exists(argument):
            matches = sorted(path for path in glob.iglob(argument, recursive=True) if _is_supported(path))
            yield from (Source(path) for path in matches or [argument])
        else:
            yield Source(argument)


def _in_folder(root: str) -> Iterator[Source]:
    for folder, subfolders, files in os.walk(root):
        subfolders.sort()
        yield from (Source(os.path.join(folder, name), root) for name in sorted(files) if _is_supported(name))


def _is_supported(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in PICTURES | VIDEOS
