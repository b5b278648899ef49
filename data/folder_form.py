"""Reader of FER2013 as folders of pictures: ``train/<emotion>/*``, ``test/<emotion>/*``.

The prefix of a file's name (Training_, PublicTest_, PrivateTest_) is its official split; the folder ``test`` has two.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import numpy as np

from facial_emotion.data.csv_form import SIDE, SPLITS
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS, encode

NAME = re.compile(rf"({'|'.join(SPLITS)})_(\d+)\.(jpg|jpeg|png)$", re.IGNORECASE)
_PARTS = ("train", "test", "val", "valid", "validation")
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")
_PREFIXES = {name.lower(): code for code, name in enumerate(SPLITS)}


def picture_files(path: Path) -> list[Path]:
    """Every file of ``train/<emotion>/`` and the other parts, sorted, without hidden and system files.

    The parts may lie in a folder of the folder.
    """
    try:
        folders = _folders(path)
    except OSError as error:
        raise InputError(path, "a folder that can be read", error.strerror or str(error)) from error
    parts = _parts(folders)
    for folder in folders if not parts else ():  # as Kaggle's archives have it
        with suppress(PermissionError):  # a file system's lost+found
            parts += _parts(_folders(folder))
    files = sorted(
        file
        for part in parts
        for file in part.glob("*/*")
        if not file.name.startswith(".") and file.name.lower() not in _SYSTEM_FILES
    )
    if not files:
        found = ", ".join(folder.name for folder in folders)[:100] or "no such folder"
        raise InputError(path, "train/<emotion>/*.jpg and test/<emotion>/*.jpg", found)
    return files


def _folders(path: Path) -> list[Path]:
    """The folders in a folder, sorted, without hidden ones and those of systems."""
    return sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith((".", "__")))


def _parts(folders: list[Path]) -> list[Path]:
    """Those that are the data set's parts, whose names may be in capitals."""
    return [folder for folder in folders if folder.name.lower() in _PARTS]


def read_folder(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crops (n, 48, 48) uint8, labels (n,) int64 and split codes (n,) uint8, sorted by split and number.

    Raises InputError, with the file's path, at the first file that is not a picture of FER2013; no file is skipped.
    """
    rows = []
    for file in picture_files(path):
        match = NAME.match(file.name)
        if match is None:
            raise InputError(file, f"a name such as {SPLITS[0]}_123.jpg (prefix {', '.join(SPLITS)})", file.name)
        rows.append((_PREFIXES[match[1].lower()], int(match[2]), file))
    rows.sort()
    by_folder = {folder: _label(folder) for folder in {file.parent for _, _, file in rows}}
    labels = np.array([by_folder[file.parent] for _, _, file in rows], dtype=np.int64)
    crops = np.stack([_picture(file) for _, _, file in rows])
    return crops, labels, np.array([split for split, _, _ in rows], dtype=np.uint8)


def _label(folder: Path) -> int:
    """The label that a folder's name says."""
    try:
        return int(encode([folder.name])[0])
    except InputError as error:
        raise InputError(folder, f"a folder named {', '.join(EMOTIONS)}", repr(folder.name)) from error


def _picture(file: Path) -> np.ndarray:
    """Read a crop, (48, 48) uint8, grey."""
    import cv2

    encoded = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    picture = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) if encoded.size else None
    if picture is None:
        raise InputError(file, "a JPEG or PNG picture", f"{encoded.size} bytes that are none")
    if picture.shape != (SIDE, SIDE):
        raise InputError(file, f"{SIDE} x {SIDE} pixels", f"{picture.shape[1]} x {picture.shape[0]}")
    return picture
