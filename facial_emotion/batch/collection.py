"""Pictures and videos of your own, in folders that are named by their emotion: their faces, found and framed.

The faces are found and framed as everywhere else. Of several faces the largest counts; a video is one file, whatever
its length.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facial_emotion import scene
from facial_emotion.batch import video
from facial_emotion.batch.rows import Options
from facial_emotion.batch.sources import Source, find_sources
from facial_emotion.errors import InputError
from facial_emotion.evaluation.timing import timed
from facial_emotion.features.emotions import EMOTIONS, encode
from facial_emotion.features.faces import DEFAULT_SEARCH, in_video
from facial_emotion.features.pictures import read_rgb
from facial_emotion.video import reader

FRAMES_PER_SECOND = 2.0  # of a video that are looked at


@dataclass(frozen=True)
class LabelledFile:
    """A picture or video. crops: uint8 (k, 48, 48), the largest face of each frame that has one.

    frames, faces: how many frames were looked at, and the most faces in one of them; seconds: for reading, finding
    and framing, by frame.
    """

    path: str
    label: int
    frames: int
    faces: int
    crops: np.ndarray
    seconds: list[float]


@dataclass(frozen=True)
class Collection:
    """The files of a folder. What can't be used is kept too: unreadable files with the reason, and other counts.

    unknown: files by folder whose name is no emotion; others: files that are no pictures or videos, or in no subfolder.
    """

    files: list[LabelledFile] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    others: int = 0

    @property
    def with_face(self) -> list[LabelledFile]:
        """The files with a face in them."""
        return [file for file in self.files if len(file.crops)]

    @property
    def remarks(self) -> list[str]:
        """What a reader should know of the files, one sentence each."""
        without = [file.path for file in self.files if not len(file.crops)]
        some = ", ".join(without[:5]) + ", ..." * (len(without) > 5)
        several = sum(file.faces > 1 for file in self.files)
        matches = [
            f"{len(without)} of {len(self.files)} files without a face: {some}" if without else "",
            f"{several} of {len(self.files)} files with several faces: the largest is judged" if several else "",
            *(
                f"left out: {name}/, which is no emotion (files: {count}); --ask {name}=happy, for example, takes it"
                for name, count in self.unknown.items()
            ),
            f"left out: files that are no picture or video, or in no subfolder ({self.others})" if self.others else "",
            *(f"not read: {reason}" for reason in self.unreadable.values()),
        ]
        return [each for each in matches if each]


def labels_of_folders(names: Iterable[str], emotions: dict[str, str]) -> dict[str, int]:
    """The labels of folders by their names, case ignored; emotions: one for other names. Others are left out."""
    emotions = {name.lower(): emotion for name, emotion in emotions.items()}
    labels = {}
    for name in names:
        try:
            labels[name] = int(encode([emotions.get(name.lower(), name)])[0])
        except InputError:
            continue
    return labels


def find(folder: Path, asked: dict[str, str]) -> tuple[list[tuple[Source, int]], Collection]:
    """The pictures and videos in a folder's subfolders named by emotions, with labels; and what is left out.

    asked: emotions for other names of subfolders. Raises InputError where there is no file in any of them.
    """
    try:
        subfolders = sorted(path.name for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise InputError(folder, "a folder with a subfolder for each emotion", error.strerror or "none") from error
    present = f"folders: {', '.join(subfolders) or 'none'}"
    strange = [name for name in asked if name not in subfolders]
    if strange:
        raise InputError(folder, f"the folders of --ask, {', '.join(strange)}", present)
    labels = labels_of_folders(subfolders, asked)
    sources = [(source, label) for name, label in labels.items() for source in find_sources([str(folder / name)])]
    if not sources:
        expected = f"pictures or videos in folders named {', '.join(EMOTIONS)}"
        raise InputError(folder, expected, present, "name others by --ask, as --ask joy=happy")
    unknown = {name: _count(folder / name) for name in subfolders if name not in labels}
    return sources, Collection(unknown=unknown, others=_count(folder) - sum(unknown.values()) - len(sources))


def read(sources: list[tuple[Source, int]], found: Collection, step: Callable[..., None]) -> Collection:
    """Read labelled files and find and frame their faces, into a collection. step: called after each file.

    Raises InputError where there is no face in any of them.
    """
    for source, label in sources:
        try:
            found.files.append(_read(source, label))
        except InputError as error:
            found.unreadable[source.path] = str(error)
        step()
    if not found.with_face:
        unread = f", and {len(found.unreadable)} could not be read" if found.unreadable else ""
        raise InputError("pictures", "a face in some file", f"none in {len(found.files)}{unread}")
    return found


def _read(source: Source, label: int) -> LabelledFile:
    """The faces of a picture or video. Raises InputError where it can't be read."""

    crops, seconds, frames, most = [], [], 0, 0

    def look(read: Callable[[], np.ndarray], video: bool) -> None:
        nonlocal frames, most

        def framed() -> tuple[np.ndarray, np.ndarray]:
            rgb = read()
            faces, crops = scene.detect(rgb, in_video(DEFAULT_SEARCH, rgb) if video else DEFAULT_SEARCH)
            return faces.boxes, crops

        (boxes, found), spent = timed(framed)
        frames, most = frames + 1, max(most, len(boxes))
        if len(boxes):
            largest = int((boxes[:, 2:] - boxes[:, :2]).prod(axis=1).argmax())
            crops.append(found[largest])
            seconds.append(spent)

    if source.kind == "picture":
        look(lambda: read_rgb(source.path), video=False)
    else:
        for frame in video.sample(reader.read(source.path), Options("", fps=FRAMES_PER_SECOND)):
            look(lambda rgb=frame.rgb: rgb, video=True)  # type: ignore[misc]
    return LabelledFile(source.path, label, frames, most, np.array(crops, np.uint8).reshape(-1, 48, 48), seconds)


def _count(folder: Path) -> int:
    """The number of files below a folder."""
    return sum(len(files) for _, _, files in os.walk(folder))
