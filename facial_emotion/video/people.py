"""What a viewer says about the faces of a video: who they are, where one is two people, and which labels are wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from facial_emotion.features.emotions import EMOTIONS


@dataclass
class People:
    """Names of faces by number, of which equal ones are one person; splits and corrections in the order they were made.

    splits: a face's number and the second from which on it is another; corrections: a face's number, the seconds from
    which and to which its label is another, and the index of that.
    """

    names: dict[int, str] = field(default_factory=dict)
    splits: list[tuple[int, float]] = field(default_factory=list)
    corrections: list[tuple[int, float, float, int]] = field(default_factory=list)

    def faces(self, rows: np.ndarray) -> np.ndarray:
        """The number of the face of each row of a record, after the splits: a new face has the next free number."""
        faces = rows["face"].copy()
        for face, seconds in self.splits:
            faces[(faces == face) & (rows["seconds"] >= seconds)] = faces.max(initial=0) + 1
        return faces

    def merged(self, rows: np.ndarray) -> np.ndarray:
        """The same, where faces with one name have the number of the first of them."""
        faces, first = self.faces(rows), dict[str, int]()
        for face in np.unique(faces).tolist():
            if self.name(face):
                faces[faces == face] = first.setdefault(self.name(face), face)
        return faces

    def corrected(self, rows: np.ndarray) -> np.ndarray:
        """The index of the emotion that each row of a record was corrected to, -1 where it was not."""
        faces, found = self.merged(rows), np.full(len(rows), -1)
        for face, start, end, emotion in self.corrections:
            found[(faces == face) & (rows["seconds"] >= start) & (rows["seconds"] <= end)] = emotion
        return found

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
        """What was said about each row of a record, as columns of a table: name and corrected label, or nothing."""
        names = [self.name(face) for face in self.faces(rows).tolist()]
        return {
            "name": names,
            "corrected": [EMOTIONS[emotion] if emotion >= 0 else "" for emotion in self.corrected(rows).tolist()],
        }
