"""Expansion of command-line arguments into pictures, videos and cameras, in a reproducible order.

What a file is, its first bytes say; only where they say nothing does its suffix. Files of a folder that are neither
picture nor video are counted, not lost.
"""

from __future__ import annotations

import glob
import os
import re
import stat
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from facial_emotion.errors import InputError
from facial_emotion.features.headers import is_raw, is_raw_tiff
from facial_emotion.video import reader

CAMERA = "camera:"
PICTURES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
        *(".avif", ".heic", ".heif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm"),
    )
)
VIDEOS = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".avi", ".mkv", ".webm", ".flv", ".wmv", ".asf", ".mpg", ".mpeg"),
        *(".m2v", ".ts", ".mts", ".m2ts", ".ogv", ".ogg", ".h264", ".264", ".h265", ".265", ".mjpeg", ".mjpg"),
        *(".ivf", ".y4m"),
    )
)
HEADER = 400  # bytes that say what a file is
_PICTURE_BYTES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n|GIF8|BM.{4}\0{4}|II\*\0|MM\0\*|RIFF.{4}WEBP|\0\0\0\x0cjP  |P[1-6]\s"
    rb"|.{4}ftyp(?:avif|avis|heic|heix|heim|heis|mif1|msf1)",
    re.DOTALL,
)
_VIDEO_BYTES = re.compile(
    rb".{4}ftyp|.{4}(?:moov|mdat|wide|free)|\x1aE\xdf\xa3|RIFF.{4}AVI |FLV\x01|0&\xb2u\x8ef\xcf\x11|\0\0\x01[\xba\xb3]"
    rb"|OggS|G.{187}G|.{4}G.{191}G|\0\0\0\x01[\x09\x67\x27\x40\x42\x46]|DKIF|YUV4MPEG2",
    re.DOTALL,
)
_SYSTEM_FOLDERS = frozenset({"__MACOSX"})


@dataclass(frozen=True, slots=True)
class Source:
    """A picture, video or camera. path: as the results name it; base: the folder whose contents it was listed with."""

    path: str
    base: str = ""

    @property
    def kind(self) -> str:
        """ "picture", "video" or "camera"; reading says of others what they are."""
        if self.path.startswith(CAMERA):
            return "camera"
        return "video" if kind_of(self.path) == "video" else "picture"


@dataclass
class LeftOut:
    """What was found in folders and patterns but is no source: files by suffix, hidden ones, and empty folders.

    raw: photographs that a camera did not develop; sound: files with no picture but, maybe, a cover; copies: pictures
    and videos in the folder of annotated copies.
    """

    files: Counter[str] = field(default_factory=Counter)
    raw: Counter[str] = field(default_factory=Counter)
    sound: Counter[str] = field(default_factory=Counter)
    hidden: int = 0
    copies: int = 0
    empty: list[str] = field(default_factory=list)

    @property
    def remarks(self) -> list[str]:
        """What to tell a user, one sentence each."""
        return [
            *_counted("left out, neither picture nor video", self.files),
            *_counted("left out, raw photographs, which must be developed first", self.raw),
            *_counted("left out, sound", self.sound),
            *([f"left out, hidden: {self.hidden}"] if self.hidden else []),
            *([f"left out, in the folder of annotated copies: {self.copies}"] if self.copies else []),
            *(f"{folder}: no picture or video in it" for folder in self.empty),
        ]


def _counted(what: str, files: Counter[str]) -> list[str]:
    """A sentence about files, counted by suffix; none where there are none."""
    kinds = ", ".join(f"{number} {suffix or 'without a suffix'}" for suffix, number in files.most_common())
    return [f"{what}: {files.total()} ({kinds})"] if files else []


def kind_of(path: str) -> str | None:
    """ "picture", "raw", "video", or None for another file. One that is named as a picture or video is one, if damaged.

    A file of several JPEG pictures with the suffix of a video is a video, and a raw photograph in a TIFF a picture.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return kind(path, b"")
        with open(path, "rb") as file:
            return kind(path, file.read(HEADER))
    except (OSError, ValueError):
        return kind(path, b"")


def kind(path: str, header: bytes) -> str | None:
    """The kind of a file, as of ``kind_of``, by its name and its first HEADER bytes; of those none may be known."""
    suffix = os.path.splitext(path)[1].lower()
    named = "picture" if suffix in PICTURES else "video" if suffix in VIDEOS else None
    if not header:
        return named
    if is_raw(path, header):
        return "raw"
    if _PICTURE_BYTES.match(header):
        return "video" if named == "video" and header.startswith(b"\xff\xd8") else "picture"
    return "video" if _VIDEO_BYTES.match(header) else named


def _is_raw_tiff(path: str) -> bool:
    """Whether a file is a raw photograph in a TIFF."""
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=("TIFF",)) as image:
            return is_raw_tiff(image)
    except Exception:  # damaged, in one of many ways: reading says so
        return False


def find_sources(arguments: Iterable[str], left_out: LeftOut | None = None) -> Iterator[Source]:
    """The sources of arguments: a file, a folder with everything below it, a glob pattern, or "camera:0".

    Folders and patterns give their pictures and videos; what else is there is counted in ``left_out``. An argument
    without any match is returned as it is, so that reading it fails and is reported. Raises InputError for an address.
    """
    left_out = LeftOut() if left_out is None else left_out
    for argument in arguments:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", argument) and not os.path.exists(argument):
            raise InputError(
                argument, "a file, folder, pattern or camera:0", "an address", "download or record it first"
            )
        if os.path.isdir(argument):
            yield from _in_folder(argument, left_out)
        elif glob.has_magic(argument) and not os.path.exists(argument):
            yield from _in_pattern(argument, left_out)
        else:
            yield Source(argument)


def _in_folder(root: str, left_out: LeftOut) -> Iterator[Source]:
    """The sources below a folder. Linked folders are followed, each folder once; unreadable ones are sources too.

    Reading these fails, and is reported.
    """
    seen, count = set(), 0
    unreadable: list[str] = []
    for folder, subfolders, files in os.walk(
        root, followlinks=True, onerror=lambda error: unreadable.append(error.filename)
    ):
        place = os.path.realpath(folder)
        if place in seen:
            subfolders.clear()
            continue
        seen.add(place)
        hidden = [name for name in subfolders if _is_hidden(name)]
        subfolders[:] = sorted(set(subfolders) - set(hidden))
        left_out.hidden += len(hidden)
        for name in sorted(files):
            path = os.path.join(folder, name)
            if _is_source(path, left_out):
                count += 1
                yield Source(path, root)
    yield from (Source(path, root) for path in unreadable)
    if not count and not unreadable:
        left_out.empty.append(root)


def _in_pattern(pattern: str, left_out: LeftOut) -> Iterator[Source]:
    """The sources that a pattern matches; a matching folder gives what is below it, unless the pattern itself does."""
    seen: set[str] = set()
    for match in sorted(glob.iglob(_literal(pattern), recursive=True)):
        place = os.path.join(os.path.realpath(os.path.dirname(match)), os.path.basename(match))
        if place in seen:  # reached once more, through a linked folder
            continue
        seen.add(place)
        if any(part in _SYSTEM_FOLDERS for part in Path(match).parts if part not in Path(pattern).parts):
            left_out.hidden += 1
        elif os.path.isdir(match):
            yield from () if "**" in pattern else _in_folder(match, left_out)
        elif _is_source(match, left_out):
            yield Source(match)
    if not seen:
        yield Source(pattern)


def _literal(pattern: str) -> str:
    """A pattern in which the names of folders and files that exist stand for themselves, as Photos [2020]/*.jpg."""
    escaped, named = "", ""
    for part in re.split(r"([/\\])" if os.sep == "\\" else "(/)", pattern):
        named += part
        escaped += glob.escape(part) if os.path.lexists(named) else part
    return escaped


def _is_source(path: str, left_out: LeftOut) -> bool:
    """Whether a listed file is a source; counts it if not."""

    if _is_hidden(os.path.basename(path)):
        left_out.hidden += 1
        return False
    kind, suffix = kind_of(path), os.path.splitext(path)[1].lower()
    if kind is None:
        left_out.files[suffix] += 1
    elif kind == "raw" or (kind == "picture" and _is_raw_tiff(path)):
        left_out.raw[suffix] += 1
    elif kind == "video" and reader.is_sound(path):
        left_out.sound[suffix] += 1
    else:
        return True
    return False


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _SYSTEM_FOLDERS
