"""Pictures and videos of one's own as a data set to train on: their faces, found and framed as everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facial_emotion.batch.collection import find
from facial_emotion.batch.collection import read as collect
from facial_emotion.data import fer2013
from facial_emotion.data.fer2013 import Fer2013
from facial_emotion.data.folder_form import NAME, picture_files
from facial_emotion.data.own_split import RULE, stratified
from facial_emotion.errors import InputError
from facial_emotion.terminal import bar


def read(path: Path, asked: dict[str, str]) -> tuple[Fer2013, list[str]]:
    """FER2013 or data of one's own at a path, and what to know of it, a sentence each. Raises InputError.

    asked: emotions by other names that a CSV or subfolders have.
    """
    data, remarks = load(path, asked) if is_own(path) else (fer2013.load(path, asked=asked), [])
    if data.rule:
        remarks.append(f"splits: {data.rule}")
    if data.missing:
        remarks.append(f"no row to learn from, so that it will not be recognised: {', '.join(data.missing)}")
    return data, remarks


def is_own(path: Path) -> bool:
    """Whether a path is a folder of one's own. Raises InputError for FER2013's folders with files of other names."""
    if not path.is_dir():
        return False
    try:
        files = picture_files(path)
    except InputError:
        return True
    if not any(NAME.match(file.name) for file in files):
        expected = "files named as Training_123.jpg in train/ and test/, or folders named by emotion directly in it"
        raise InputError(path, expected, files[0].name, "put the folders of train/ and test/ together")
    return False


def load(folder: Path, asked: dict[str, str]) -> tuple[Fer2013, list[str]]:
    """A data set of the faces in a folder's subfolders, which are named by emotions; and what to know of its files.

    asked: emotions for other names of subfolders. All frames of a video are in one split. Raises InputError.
    """
    sources, collection = find(folder, asked)
    with bar("faces", len(sources)) as step:
        collect(sources, collection, step)
    files = collection.with_face
    labels = np.array([file.label for file in files], dtype=np.int64)
    counts = [len(file.crops) for file in files]
    splits = np.repeat(stratified(labels), counts)
    crops = np.concatenate([file.crops for file in files])
    data = Fer2013(crops, np.repeat(labels, counts), splits, rule=RULE)
    fer2013.check(folder, data.labels, data.splits)
    return data, collection.remarks
