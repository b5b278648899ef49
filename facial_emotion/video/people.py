"""What a viewer says about the faces of a video: who they are, where one is two people, and which labels are wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from facial_emotion.features.emotions import EMOTIONS


class Split(NamedTuple):
    """From a second on, a face is another person."""

    face: int
    second: float


class Correction(NamedTuple):
    """From a second to another, the label of some faces is that of an index."""

    faces: tuple[int, ...]
    start: float
    end: float
    emotion: int


@dataclass
class People:
    """Names of faces by number, of which equal ones are one person; splits and corrections in the order they were made.

    A split face has the next free number from then on. Corrections hold for faces as they were split until then.
    """

    names: dict[int, str] = field(default_factory=dict)
    edits: list[Split | Correction] = field(default_factory=list)

    def undo(self) -> None:
        """Take back the last split or correction."""
        self.edits.pop()

    def faces(self, rows: np.ndarray, edits: int | None = None) -> np.ndarray:
        """The number of the face of each row of a record, after the splits among the first edits, or among all."""
        faces = rows["face"].copy()
        for edit in self.edits[:edits]:
            if isinstance(edit, Split):
                faces[(faces == edit.face) & (rows["seconds"] >= edit.second)] = faces.max(initial=0) + 1
        return faces

    def merged(self, rows: np.ndarray) -> np.ndarray:
        """The same after all splits, where faces with one name have the number of the first of them."""
        faces, first = self.faces(rows), dict[str, int]()
        for face in np.unique(faces).tolist():
            if self.name(face):
                faces[faces == face] = first.setdefault(self.name(face), face)
        return faces

    def corrected(self, rows: np.ndarray) -> np.ndarray:
        """The index of the emotion that each row of a record was corrected to, -1 where it was not."""
        emotions = np.full(len(rows), -1)
        for number, edit in enumerate(self.edits):
            if isinstance(edit, Correction):
                meant = np.isin(self.faces(rows, number), edit.faces)
                emotions[meant & (rows["seconds"] >= edit.start) & (rows["seconds"] <= edit.end)] = edit.emotion
        return emotions

    def name(self, face: int) -> str:
        """The name of a face; empty where it has none."""
        return self.names.get(face, "").strip()

    def applied(self, rows: np.ndarray) -> np.ndarray:
        """A record's rows with the faces and emotions that they have after all that was said."""
        result, emotions = rows.copy(), self.corrected(rows)
        result["face"] = self.merged(rows)
        result["emotion"] = np.where(emotions >= 0, emotions, rows["emotion"])
        return result

    def columns(self, rows: np.ndarray) -> dict[str, list[str]]:
        """What was said about each row of a record, as columns of a table: person, name and corrected label."""
        names = [self.name(face) for face in self.faces(rows).tolist()]
        return {
            "person": [str(face) for face in self.merged(rows).tolist()],
            "name": names,
            "corrected": [EMOTIONS[emotion] if emotion >= 0 else "" for emotion in self.corrected(rows).tolist()],
        }
