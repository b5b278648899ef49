"""Reader of FER2013 as Kaggle's CSV (emotion, pixels, Usage): plain, .gz, .xz, .zip, or in a .tar.gz.

``icml_face_data.csv`` is the same table with a leading space in two column names. A table of one's own may have names
of emotions instead of labels, and no Usage.
"""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import stat
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import numpy as np

from facial_emotion import limits
from facial_emotion.errors import InputError, memory_checked
from facial_emotion.features.emotions import EMOTIONS, encode

SPLITS = ("Training", "PublicTest", "PrivateTest")
SIDE = 48
COLUMNS = ("emotion", "pixels", "Usage")
NO_SPLIT = 255  # the split code of rows without Usage
SUFFIXES = (".csv", ".gz", ".xz", ".zip", ".tgz", ".tar")

_ENCODING = "utf-8-sig"  # with or without a byte-order mark
# What a damaged archive raises, and one that is encrypted, or made by a method that Python does not know.
_DAMAGED = (
    *(EOFError, OSError, lzma.LZMAError, zlib.error, tarfile.TarError, zipfile.BadZipFile, ValueError, KeyError),
    *(RuntimeError, struct.error, IndexError),
)


def read_csv(path: Path, asked: Mapping[str, str] | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crops (n, 48, 48) uint8, labels (n,) int64 and split codes (n,) uint8 (index into SPLITS), in file order.

    asked: emotions by other names that the column emotion has. Without a column Usage all codes are NO_SPLIT.
    Raises InputError, with line and column, at the first invalid row; no row is skipped.
    """
    crops, labels, splits = [], [], []
    asked = asked or {}
    unseen = set(asked)
    try:
        with memory_checked(path), _open(path) as stream:
            for line, row in rows(path, stream, COLUMNS[:2], COLUMNS[2:]):
                place = f"{path.name}, line {line}"
                labels.append(_label(row["emotion"], asked, f"{place}, column emotion"))
                unseen.discard(row["emotion"].strip().lower())
                crops.append(_pixels(row["pixels"], place))
                splits.append(_split(row["Usage"], place) if "Usage" in row else NO_SPLIT)
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(path, "a text table", "bytes that are not text", "is this the CSV file?") from error
    except csv.Error as error:
        raise InputError(path, "a CSV table", str(error)) from error
    except _DAMAGED as error:
        advice = "the file is truncated or damaged: get it again"
        raise InputError(path, f"a whole {path.suffix} file", str(error) or type(error).__name__, advice) from error
    if not labels:
        raise InputError(path, "rows below the header", "none")
    if unseen:
        raise InputError(path, f"rows with the names of --ask, {', '.join(sorted(unseen))}", "none")
    return np.stack(crops), np.array(labels, dtype=np.int64), np.array(splits, dtype=np.uint8)


def rows(
    path: Path, stream: TextIO, wanted: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table: the line's number, and the text of each wanted column, and of the optional ones it has.

    Raises InputError for missing columns, short rows, and blank lines that are not at the end.
    """
    reader = csv.reader(_lines(path, stream))
    columns = _columns(path, next(reader, []), wanted, optional)
    blank = count = 0  # the line of the first blank one, and rows so far
    for row in reader:
        line, count = reader.line_num, count + 1
        if not any(cell.strip() for cell in row):
            blank = blank or line
            if line - blank < limits.BLANK_LINES:
                continue
        if blank:
            raise InputError(f"{path.name}, line {blank}", "a row, or nothing but blank lines", "a blank line")
        if count > limits.ROWS:
            raise InputError(path, f"at most {limits.ROWS} rows", "more")
        if len(row) <= max(columns.values()):
            raise InputError(f"{path.name}, line {line}", f"{len(columns)} columns", f"{len(row)}")
        yield line, {name: row[index] for name, index in columns.items()}


def _lines(path: Path, stream: TextIO) -> Iterator[str]:
    """The lines of a file, none of which may fill the memory."""
    count = 0
    while line := stream.readline(limits.LINE):
        count += 1
        if len(line) == limits.LINE:
            raise InputError(f"{path.name}, line {count}", f"a line of under {limits.LINE} characters", "more")
        yield line


def _columns(path: Path, header: list[str], wanted: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
    """The index of each of the wanted columns, and of those optional ones that are there."""
    positions = {name.strip(): index for index, name in enumerate(header)}
    missing = [name for name in wanted if name not in positions]
    if missing:
        header_text = ", ".join(positions)[:80] if any(positions) else "nothing (the file is empty)"
        raise InputError(f"{path}, line 1", f"the columns {', '.join(wanted)}", header_text)
    return {name: positions[name] for name in (*wanted, *optional) if name in positions}


def number(text: str, most: int, place: str, what: str = "a whole number") -> int:
    """A whole number 0 to ``most`` from the text of its cell. Raises InputError, which names the place."""
    digits = text.strip()
    # More digits than these are no such number, and too many can't even be read.
    if digits.isascii() and digits.isdigit() and len(digits.lstrip("0")) <= len(str(most)) and int(digits[-9:]) <= most:
        return int(digits[-9:])
    raise InputError(place, f"{what} 0 to {most}", repr(text[:20]))


def _label(text: str, asked: Mapping[str, str], place: str) -> int:
    """A label from the text of its cell: its number, or the name of an emotion."""
    name = text.strip().lower()
    if name not in asked and (name.lstrip("+-").isdigit() or not name):
        return number(text, len(EMOTIONS) - 1, place, "a label")
    try:
        return int(encode([asked.get(name, name)])[0])
    except InputError as error:
        expected = f"a label 0 to {len(EMOTIONS) - 1}, or one of {', '.join(EMOTIONS)}"
        raise InputError(place, expected, repr(text[:20]), "name others by --ask, as --ask joy=happy") from error


def _split(text: str, place: str) -> int:
    """A split code, an index into SPLITS, from the text of its cell."""
    if text.strip() in SPLITS:
        return SPLITS.index(text.strip())
    raise InputError(f"{place}, column Usage", " or ".join(SPLITS), repr(text[:20]))


def _pixels(text: str, place: str) -> np.ndarray:
    """A crop, (48, 48) uint8, from the text of its cell: 2,304 numbers."""
    with suppress(DeprecationWarning, ValueError), warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy only warns about text that is not a number
        values = np.fromstring(text, dtype=np.int64, sep=" ")  # too large numbers become the largest one
        if values.size == SIDE * SIDE and values.min() >= 0 and values.max() <= 255:
            return values.astype(np.uint8).reshape(SIDE, SIDE)
    words, place = text.split(), f"{place}, column pixels"
    pixels = [number(word, 255, f"{place}, pixel {index}") for index, word in enumerate(words, 1)]
    raise InputError(place, f"{SIDE * SIDE} pixels", f"{len(pixels)}")


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    """Open a CSV file for reading, decompressed by the file's suffix."""
    name = path.name.lower()
    if not name.endswith((".csv", ".zip")) and tarfile.is_tarfile(path):  # whatever its ending
        with tarfile.open(path) as archive:
            member = archive.getmember(_csv_member(path, archive.getnames()))
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                raise InputError(f"{path}: {member.name}", "a file in the archive", "a folder, link or device")
            yield io.TextIOWrapper(content, _ENCODING, newline="")
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(_csv_member(path, archive.namelist()))
            if entry.flag_bits & 1:
                raise InputError(path, "an archive without a password", "an encrypted one", "unpack it first")
            if entry.is_dir() or stat.S_ISLNK(entry.external_attr >> 16):
                raise InputError(f"{path}: {entry.filename}", "a file in the archive", "a folder, link or device")
            yield io.TextIOWrapper(archive.open(entry), _ENCODING, newline="")
    else:
        openers: dict[str, Callable[..., TextIO]] = {".gz": gzip.open, ".xz": lzma.open}
        opener = openers.get(path.suffix.lower(), open)
        with opener(path, "rt", encoding=_ENCODING, newline="") as stream:
            yield stream


def _csv_member(path: Path, names: list[str]) -> str:
    """The name of the archive member with FER2013."""
    names = [name for name in names if not ("__MACOSX/" in name or name.rsplit("/", 1)[-1].startswith("._"))]
    tables = [name for name in names if name.lower().endswith(".csv")]
    for wanted in ("fer2013.csv", "icml_face_data.csv"):
        for name in tables:
            if name.rsplit("/", 1)[-1] == wanted:
                return name
    if len(tables) == 1:
        return tables[0]
    pictures = any(name.lower().endswith((".jpg", ".png")) for name in names)
    advice = "unpack it and name the folder that has train/ and test/" if pictures else ""
    found = ", ".join(names[:5]) or "an empty archive"
    raise InputError(path, "fer2013.csv or icml_face_data.csv inside", found, advice)
