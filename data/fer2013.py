"""The FER2013 data set with its three official splits, loaded from a CSV, an archive or folders of pictures.

Models are fitted on Training, selected and calibrated on PublicTest, and evaluated on PrivateTest.
Goodfellow et al. 2013, https://arxiv.org/abs/1307.0414

    facial-emotion data fer2013.csv.xz
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import paths
from facial_emotion.data.csv_form import NO_SPLIT, SIDE, SPLITS, SUFFIXES, read_csv
from facial_emotion.data.duplicates import near_duplicates
from facial_emotion.data.ferplus import FILE_NAME as FERPLUS_FILE
from facial_emotion.data.ferplus import majority_labels, people_choice, read_votes
from facial_emotion.data.folder_form import picture_files, read_folder
from facial_emotion.data.own_split import RULE, stratified
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.terminal import note

KAGGLE_COPY = "deadskull7/fer2013"
_ARRAYS = ("crops", "labels", "splits")
_CACHE_VERSION = 1  # to be incremented when the parsed arrays change, which invalidates older caches


@dataclass(frozen=True)
class Split:
    """A split: crops (n, 48, 48) uint8, labels (n,) int64, and their row indices in the data set (n,) int64."""

    crops: np.ndarray
    labels: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Fer2013:
    """The data set: crops (n, 48, 48) uint8, labels (n,) int64, splits (n,) uint8 (index into SPLITS)."""

    crops: np.ndarray
    labels: np.ndarray
    splits: np.ndarray
    votes: np.ndarray | None = field(default=None, repr=False)  # (n, 10) FER+ votes
    rule: str = ""  # by which rows were put into the splits, where the source does not say it

    def split(self, name: str) -> Split:
        """One official split, in file order."""
        if name not in SPLITS:
            raise InputError("split", " or ".join(SPLITS), repr(name))
        rows = np.flatnonzero(self.splits == SPLITS.index(name))
        return Split(self.crops[rows], self.labels[rows], rows)

    def near_duplicates(self, split: str) -> np.ndarray:
        """Whether each row of a split has a near-duplicate in Training: bool (n,), computed once."""
        if split not in self._near_duplicates:
            training = self.split("Training").crops
            self._near_duplicates[split] = near_duplicates(self.split(split).crops, training)
        return self._near_duplicates[split]

    @cached_property
    def _near_duplicates(self) -> dict[str, np.ndarray]:
        """Results of ``near_duplicates`` by split."""
        return {}

    def majority_labels(self) -> np.ndarray:
        """FER+ majority labels, int64, (n,); -1 without a majority."""
        return majority_labels(self.people_votes())

    def people_choice(self) -> np.ndarray:
        """The emotion that most people chose, int64, (n,); -1 where they chose none of the seven."""
        return people_choice(self.people_votes())

    def people_votes(self) -> np.ndarray:
        """The FER+ votes, int64 (n, 10). Raises InputError without them."""
        if self.votes is None:
            raise InputError("FER+", f"{FERPLUS_FILE} beside the data", "none", "put it there or name it")
        return self.votes

    @cached_property
    def missing(self) -> list[str]:
        """The emotions that Training has no row of."""
        present = np.unique(self.labels[self.splits == 0])
        return [name for label, name in enumerate(EMOTIONS) if label not in present]

    @property
    def remarks(self) -> dict[str, object]:
        """What a card says of data of one's own: how the splits were drawn, and emotions without a row."""
        said = {"splits": self.rule, "left_out": self.missing}
        return {name: value for name, value in said.items() if value}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of crops, labels and splits, which does not depend on the file format."""
        digest = hashlib.sha256()
        for array in (self.crops, self.labels, self.splits):
            digest.update(array.tobytes())
        return digest.hexdigest()


def load(path: str | Path, ferplus: str | Path | None = None, asked: Mapping[str, str] | None = None) -> Fer2013:
    """Load FER2013, or a table of one's own in its form, from a CSV (plain, .gz, .xz, .zip, .tar.gz) or from folders.

    asked: emotions by other names that a CSV's column emotion has. Where a CSV has no column Usage, splits are drawn
    (see ``own_split``). FER+ votes are read from ``ferplus``, by default from fer2013new.csv in the folder of a CSV
    with Usage, if it exists. The parsed arrays are cached under a hash of the source and memory-mapped.
    Raises InputError.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(path, "FER2013 as a CSV or a folder", "nothing there", "data/README.md says where to get it")
    if not (path.is_dir() or path.is_file()):
        raise InputError(path, "FER2013 as a CSV or a folder", "a pipe or device")
    asked = {name.lower(): emotion for name, emotion in (asked or {}).items()}
    if asked and path.is_dir():
        raise InputError("--ask", "a CSV, or folders that are named by emotion", f"FER2013's folders in {path}")
    names = f"-{hashlib.sha256(repr(sorted(asked.items())).encode()).hexdigest()[:8]}" if asked else ""
    folder = paths.CACHE / f"fer2013-{_CACHE_VERSION}-{_source_hash(path)[:16]}{names}"
    cached = _cached(folder)
    arrays = cached or (read_folder(path) if path.is_dir() else _read_file(path, asked))
    drawn = bool((arrays[2] == NO_SPLIT).all())
    splits = stratified(arrays[1]) if drawn else arrays[2]
    check(path, arrays[1], splits)
    if cached is None:
        try:
            _save(folder, dict(zip(_ARRAYS, arrays, strict=True)))
            arrays = _cached(folder) or arrays
        except OSError as error:  # it is only slower without
            note(f"{folder}: not cached ({error.strerror or type(error).__name__})")
    crops, labels, codes = arrays
    default_ferplus = path.parent / FERPLUS_FILE
    if ferplus is None and path.is_file() and default_ferplus.exists():
        if drawn:
            note(f"{default_ferplus}: not used: {path.name} has no column Usage, so that its rows are not FER2013's")
        else:
            ferplus = default_ferplus
    votes = None if ferplus is None else read_votes(Path(ferplus), len(labels))
    return Fer2013(crops, labels, splits if drawn else codes, votes, RULE if drawn else "")


def _cached(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The arrays that a cache folder has, memory-mapped; None where it has not all of them, whole and of their form."""
    try:
        arrays: list[Any] = [np.lib.format.open_memmap(folder / f"{name}.npy", mode="r") for name in _ARRAYS]
        crops, labels, splits = arrays
    except Exception:  # NumPy raises many on damaged headers
        return None
    rows = len(labels) if labels.ndim == 1 else -1
    good = (
        (crops.dtype, labels.dtype, splits.dtype) == (np.uint8, np.int64, np.uint8)
        and (crops.shape, splits.shape) == ((rows, SIDE, SIDE), (rows,))
        and rows > 0
        and 0 <= labels.min() <= labels.max() < len(EMOTIONS)
        and (splits.max() < len(SPLITS) or splits.min() == NO_SPLIT)
    )
    return (crops, labels, splits) if good else None


def _read_file(path: Path, asked: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crops, labels and split codes of a CSV file. Raises InputError for other suffixes."""
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(path, f"a name that ends with {', '.join(SUFFIXES)}", path.suffix or "no ending")
    return read_csv(path, asked)


def check(path: Path, labels: np.ndarray, splits: np.ndarray) -> None:
    """Raise InputError unless each split has rows and Training has two emotions, which training and evaluation need."""
    if len(labels) and np.bincount(labels).max() < 3:
        raise InputError(path, "three rows of an emotion, or more", "fewer")
    for code, name in enumerate(SPLITS):
        if not (splits == code).any():
            raise InputError(path, f"rows of all three splits ({', '.join(SPLITS)})", f"no {name}")
    present = [EMOTIONS[label] for label in np.unique(labels[splits == 0])]
    if len(present) < 2:
        raise InputError(path, "two emotions or more in Training", f"only {', '.join(present)}")


def _source_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, or of the names, sizes and dates of a folder's pictures."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in picture_files(path):
            status = file.stat()
            digest.update(f"{file.relative_to(path)} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _save(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to a new folder atomically."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array)
        if folder.exists():  # damaged
            folder.rename(scratch / "damaged")
        scratch.rename(folder)
        shutil.rmtree(folder / "damaged", ignore_errors=True)
    except OSError:
        if not folder.exists():  # otherwise another process wrote the same arrays first
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def download() -> Path:
    """Download FER2013's public copy from Kaggle with kagglehub; the path of the CSV. Raises InputError."""
    try:
        import kagglehub

        return next(Path(kagglehub.dataset_download(KAGGLE_COPY)).rglob("*.csv"))
    except Exception as error:  # kagglehub passes on all exceptions of its network stack
        raise InputError(
            f"download of {KAGGLE_COPY}",
            "an answer from Kaggle",
            type(error).__name__,
            f"get it by hand from https://www.kaggle.com/datasets/{KAGGLE_COPY} and name the file",
        ) from error
