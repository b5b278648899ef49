"""Pictures and videos of one's own as a data set to train on: their faces, found and framed as everywhere."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from facial_emotion.batch.collection import find, read
from facial_emotion.data.fer2013 import Fer2013, check
from facial_emotion.data.folder_form import picture_files
from facial_emotion.data.own_split import RULE, stratified
from facial_emotion.errors import InputError
from facial_emotion.terminal import bar


def is_own(path: Path) -> bool:
    """Whether a path is a folder with others in it that are not FER2013's parts, train/ and test/."""
    if not path.is_dir():
        return False
    with suppress(InputError):
        return not picture_files(path)
    return True


def load(folder: Path, asked: dict[str, str], seed: int) -> tuple[Fer2013, list[str]]:
    """A data set of the faces in a folder's subfolders, which are named by emotions; and what to know of its files.

    asked: emotions for other names of subfolders; seed: of the splits. All frames of a video are in one split. Raises
    InputError.
    """
    sources, collection = find(folder, asked)
    with bar("faces", len(sources)) as step:
        read(sources, collection, step)
    files = collection.with_face
    labels = np.array([file.label for file in files], dtype=np.int64)
    counts = [len(file.crops) for file in files]
    splits = np.repeat(stratified(labels, seed), counts)
    crops = np.concatenate([file.crops for file in files])
    data = Fer2013(crops, np.repeat(labels, counts), splits, rule=RULE.format(seed=seed))
    check(folder, data.labels, data.splits)
    return data, collection.remarks
