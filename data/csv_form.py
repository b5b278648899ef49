"""Reader of FER2013 as Kaggle's CSV (emotion, pixels, Usage): plain, .gz, .xz, .zip, or in a .tar.gz.

``icml_face_data.csv`` is the same table with a leading space in two column names.
"""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS

SPLITS = ("Training", "PublicTest", "PrivateTest")
SIDE = 48
COLUMNS = ("emotion", "pixels", "Usage")
SUFFIXES = (".csv", ".gz", ".xz", ".zip", ".tgz", ".tar")

_ENCODING = "utf-8-sig"  # with or without a byte-order mark
_DAMAGED = (EOFError, OSError, lzma.LZMAError, zlib.error, tarfile.TarError, zipfile.BadZipFile)


def read_csv(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crops (n, 48, 48) uint8, labels (n,) int64 and split codes (n,) uint8 (index into SPLITS), in file order.

    Raises InputError, with line and column, at the first invalid row; no row is skipped.
    """
    crops, labels, splits = [], [], []
    try:
        with _open(path) as stream:
            reader = csv.reader(stream)
            columns = _columns(path, next(reader, []))
            blank = 0  # the line of the first blank one
            for row in reader:
                place = f"{path.name}, line {reader.line_num}"
                if not any(cell.strip() for cell in row):
                    blank = blank or reader.line_num
                    continue
                if blank:
                    raise InputError(f"{path.name}, line {blank}", "a row, or nothing but blank lines", "a blank line")
                if len(row) <= max(columns.values()):
                    raise InputError(place, f"{len(COLUMNS)} columns", f"{len(row)}")
                labels.append(_label(row[columns["emotion"]], place))
                crops.append(_pixels(row[columns["pixels"]], place))
                splits.append(_split(row[columns["Usage"]], place))
    except UnicodeDecodeError as error:
        raise InputError(path, "a text table", "bytes that are not text", "is this the CSV file?") from error
    except csv.Error as error:
        raise InputError(path, "a CSV table", str(error)) from error
    except _DAMAGED as error:
        advice = "the file is truncated or damaged: get it again"
        raise InputError(path, f"a whole {path.suffix} file", str(error) or type(error).__name__, advice) from error
    if not labels:
        raise InputError(path, "rows below the header", "none")
    return np.stack(crops), np.array(labels, dtype=np.int64), np.array(splits, dtype=np.uint8)


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    """The index of each of the three columns."""
    positions = {name.strip(): index for index, name in enumerate(header)}
    missing = [name for name in COLUMNS if name not in positions]
    if missing:
        header_text = ", ".join(positions)[:80] if any(positions) else "nothing (the file is empty)"
        raise InputError(f"{path}, line 1", f"the columns {', '.join(COLUMNS)}", header_text)
    return {name: positions[name] for name in COLUMNS}


def _label(text: str, place: str) -> int:
    """A label 0-6 from the text of its cell."""
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit() and int(stripped) < len(EMOTIONS):
        return int(stripped)
    raise InputError(f"{place}, column emotion", f"a label 0 to {len(EMOTIONS) - 1}", repr(text[:20]))


def _split(text: str, place: str) -> int:
    """A split code, an index into SPLITS, from the text of its cell."""
    if text.strip() in SPLITS:
        return SPLITS.index(text.strip())
    raise InputError(f"{place}, column Usage", " or ".join(SPLITS), repr(text[:20]))


def _pixels(text: str, place: str) -> np.ndarray:
    """A crop, (48, 48) uint8, from the text of its cell: 2,304 numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns about text that is not a number
            values = np.fromstring(text, dtype=np.int32, sep=" ")
        if values.size == SIDE * SIDE and values.min() >= 0 and values.max() <= 255:
            return values.astype(np.uint8).reshape(SIDE, SIDE)
    except (DeprecationWarning, ValueError):
        pass
    place = f"{place}, column pixels"
    words = text.split()
    for index, word in enumerate(words):
        if not (word.isascii() and word.isdigit() and int(word) <= 255):
            raise InputError(f"{place}, pixel {index + 1}", "a whole number 0 to 255", repr(word[:20]))
    raise InputError(place, f"{SIDE * SIDE} pixels", f"{len(words)}")


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    """Open a CSV file for reading, decompressed by the file's suffix."""
    name = path.name.lower()
    if not name.endswith((".csv", ".zip")) and tarfile.is_tarfile(path):  # whatever its ending
        with tarfile.open(path) as archive:
            member = archive.extractfile(_csv_member(path, archive.getnames()))
            assert member is not None
            yield io.TextIOWrapper(member, _ENCODING, newline="")
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            yield io.TextIOWrapper(archive.open(_csv_member(path, archive.namelist())), _ENCODING, newline="")
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
