"""Controls of a video's faces: who they are, where a number was two people, and which labels are wrong."""

from __future__ import annotations

import numpy as np
import streamlit as st

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.video.people import Correction, People, Split
from facial_emotion.views.charts import Span
from facial_emotion.views.language import labels, t


def called(people: People, face: int) -> str:
    """What a face is called on the page: its name, or its number."""
    return people.name(face) or t("face {number}", number=face)


def edit(people: People, rows: np.ndarray, span: Span | None) -> None:
    """Draw the controls; rows: of a record; span: the bar of the timeline that was clicked, if any."""
    numbers = people.faces(rows)
    faces = np.unique(numbers).tolist()
    with st.container():  # it is there without a bar too, so that what is below stays as it is
        if span is not None:
            _correct(people, rows, span)
    with st.expander(t("Name, merge or split faces"), icon=":material/group:"):
        st.caption(t("Faces with the same name are one person. What is said here is in the table as well."))
        with st.container(horizontal=True):
            for face in faces:
                st.text_input(
                    t("face {number}", number=face),
                    value=people.names.get(face, ""),
                    key=f"name-{face}",
                    width=180,
                    on_change=_name,
                    args=(people, face),
                )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            face = st.selectbox(t("Face"), faces, key="split_face", width=120)
            seconds = rows["seconds"][numbers == face]
            first, last = float(seconds[0]), float(seconds[-1])
            second = st.number_input(t("from second"), first, last, (first + last) / 2, 0.1, width=150)
            st.button(
                t("is another person"),
                key="split",
                disabled=second <= first,
                on_click=people.edits.append,
                args=(Split(face, second),),
            )
            st.button(t("Undo"), key="undo", icon=":material/undo:", disabled=not people.edits, on_click=people.undo)


def _correct(people: People, rows: np.ndarray, span: Span) -> None:
    """Draw the correction of a bar's label."""
    members = np.unique(people.faces(rows)[people.merged(rows) == span.face]).tolist()
    key = f"correct-{span.face}-{span.start:.3f}-{len(people.edits)}"

    def add() -> None:
        emotion = EMOTIONS.index(st.session_state[key])
        people.edits.append(Correction(tuple(members), span.start, span.end, emotion))

    face = called(people, span.face)
    text = t("{face} from {start:.1f} to {end:.1f} s is:", face=face, start=span.start, end=span.end)
    st.pills(text, EMOTIONS, format_func=labels(EMOTIONS).__getitem__, key=key, on_change=add)


def _name(people: People, face: int) -> None:
    people.names[face] = st.session_state[f"name-{face}"]
