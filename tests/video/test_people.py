"""Names, splits and corrections of a video's faces."""

from __future__ import annotations

import numpy as np

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.scene import Face
from facial_emotion.video.people import Correction, People, Split
from facial_emotion.video.record import Record


def rows_of(*faces: int) -> np.ndarray:
    """A record's rows, one a second, of these faces, all happy."""
    record = Record(start=0.0)
    answer = np.eye(len(EMOTIONS), dtype=np.float32)[EMOTIONS.index("happy")]
    for seconds, face in enumerate(faces):
        record.add(seconds, Face(face, np.zeros(4, int), answer, np.zeros((48, 48), np.uint8)), "model")
    return record.rows


def test_nothing_said_changes_nothing() -> None:
    rows = rows_of(1, 2, 1)
    assert (People().applied(rows) == rows).all()


def test_faces_with_one_name_are_one_person() -> None:
    people = People(names={1: "Ada", 2: "Grace", 3: "Ada "})
    rows = rows_of(1, 2, 3, 4)
    assert people.applied(rows)["face"].tolist() == [1, 2, 1, 4]
    assert people.columns(rows)["name"] == ["Ada", "Grace", "Ada", ""]


def test_a_split_face_is_another_from_then_on() -> None:
    people = People(edits=[Split(1, 2.0), Split(3, 4.0)])
    assert people.applied(rows_of(1, 2, 1, 2, 1))["face"].tolist() == [1, 2, 3, 2, 4]


def test_corrections_hold_for_one_person_from_a_second_to_another() -> None:
    people = People(names={1: "Ada", 3: "Ada"}, edits=[Correction((1, 3), 0.5, 2.0, EMOTIONS.index("sad"))])
    rows = rows_of(1, 1, 3, 1, 2)
    assert people.columns(rows)["corrected"] == ["", "sad", "sad", "", ""]
    assert [EMOTIONS[index] for index in people.applied(rows)["emotion"]] == ["happy", "sad", "sad", "happy", "happy"]


def test_later_merges_and_splits_leave_corrections_as_they_were_made() -> None:
    people = People(edits=[Correction((2,), 0.0, 9.0, EMOTIONS.index("sad"))])
    rows = rows_of(1, 2, 1, 2)
    before = people.corrected(rows).tolist()
    people.names = {1: "Ada", 2: "Ada"}
    assert people.corrected(rows).tolist() == before
    people.edits.append(Split(2, 2.5))
    assert people.corrected(rows).tolist() == before
    assert people.columns(rows)["person"] == ["1", "1", "1", "3"]
    people.undo()
    people.undo()
    assert people.edits == []
