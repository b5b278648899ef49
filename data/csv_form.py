"""FER2013 as Kaggle's CSV (emotion, pixels, Usage): plain, .gz, .xz, .zip, or inside a .tar.gz.

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
SUFFIXES = (".csv", ".gz", ".xz", ".zip", ".tgz")

_DAMAGED = (EOFError, OSError, lzma.LZMAError, zlib.error, tarfile.TarError, zipfile.BadZipFile)


def read_csv(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crops (n, 48, 48) uint8, labels (n,) int64 and split codes (n,) uint8 (index into SPLITS), in file order.

    Raises InputError that names line and column of the first bad row; nothing is skipped.
    """
    crops, labels, splits = [], [], []
    try:
        with _opened(path) as stream:
            reader = csv.reader(stream)
            columns = _columns(path, next(reader, []))
            for row in reader:
                place = f"{path.name}, line {reader.line_num}"
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
    """Where each of the three columns stands."""
    found = {name.strip().lstrip("\ufeff"): index for index, name in enumerate(header)}
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        shown = ", ".join(found)[:80] if any(found) else "nothing (the file is empty)"
        raise InputError(f"{path}, line 1", f"the columns {', '.join(COLUMNS)}", shown)
    return {name: found[name] for name in COLUMNS}


def _label(text: str, place: str) -> int:
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit() and int(stripped) < len(EMOTIONS):
        return int(stripped)
    raise InputError(f"{place}, column emotion", f"a label 0 to {len(EMOTIONS) - 1}", repr(text[:20]))


def _split(text: str, place: str) -> int:
    if text.strip() in SPLITS:
        return SPLITS.index(text.strip())
    raise InputError(f"{place}, column Usage", " or ".join(SPLITS), repr(text[:20]))


def _pixels(text: str, place: str) -> np.ndarray:
    """One crop, (48, 48) uint8, from 2,304 numbers in a string."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns where the text stops being numbers
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
def _opened(path: Path) -> Iterator[TextIO]:
    """The CSV text inside a file, whatever it is packed in."""
    name = path.name.lower()
    if name.endswith((".tar.gz", ".tgz", ".tar")):
        with tarfile.open(path) as archive:
            inside = archive.extractfile(_csv_inside(path, archive.getnames()))
            assert inside is not None
            yield io.TextIOWrapper(inside, "utf-8", newline="")
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path) as bundle:
            yield io.TextIOWrapper(bundle.open(_csv_inside(path, bundle.namelist())), "utf-8", newline="")
    else:
        openers: dict[str, Callable[..., TextIO]] = {".gz": gzip.open, ".xz": lzma.open}
        opener = openers.get(path.suffix.lower(), open)
        with opener(path, "rt", encoding="utf-8", newline="") as stream:
            yield stream


def _csv_inside(path: Path, names: list[str]) -> str:
    """The member of an archive that holds FER2013."""
    tables = [name for name in names if name.lower().endswith(".csv")]
    for wanted in ("fer2013.csv", "icml_face_data.csv"):
        for name in tables:
            if name.rsplit("/", 1)[-1] == wanted:
                return name
    if len(tables) == 1:
        return tables[0]
    raise InputError(path, "fer2013.csv or icml_face_data.csv inside", ", ".join(names[:5]) or "an empty archive")
