"""Controls of a video's faces: who they are, where a number was two people, and which labels are wrong."""

from __future__ import annotations

import numpy as np
import streamlit as st

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.video.people import People
from facial_emotion.views.charts import Span
from facial_emotion.views.language import labels, t


def called(people: People, face: int) -> str:
    """What a face is called on the page: its name, or its number."""
    return people.name(face) or t("face {number}", number=face)


def edit(people: People, rows: np.ndarray, span: Span | None) -> None:
    """Draw the controls; rows: of a record; span: the bar of the timeline that was clicked, if any."""
    faces = np.unique(people.faces(rows)).tolist()
    if span is not None:
        _correct(people, span)
    with st.expander(t("Name, merge or split faces"), icon=":material/group:"):
        st.caption(t("Faces with the same name are one person. Names and corrections are in the table as well."))
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
            end = float(rows["seconds"].max())
            seconds = st.number_input(t("from second"), 0.0, end, span.start if span else 0.0, 0.1, width=150)
            if st.button(t("is another person"), key="split"):
                people.splits.append((face, seconds))
                st.rerun()
            if people.splits or people.corrections:
                st.button(t("Undo"), key="undo", on_click=_undo, args=(people,), icon=":material/undo:")


def _correct(people: People, span: Span) -> None:
    """Draw the correction of a bar's label."""
    face = called(people, span.face)
    text = t("{face} from {start:.1f} to {end:.1f} s is:", face=face, start=span.start, end=span.end)
    names = labels(EMOTIONS)
    chosen = st.pills(text, EMOTIONS, format_func=names.__getitem__, key=f"correct-{span.face}-{span.start:.3f}")
    correction = (span.face, span.start, span.end, EMOTIONS.index(chosen)) if chosen else None
    if correction and correction not in people.corrections:
        people.corrections.append(correction)
        st.rerun()


def _name(people: People, face: int) -> None:
    people.names[face] = st.session_state[f"name-{face}"]


def _undo(people: People) -> None:
    (people.corrections or people.splits).pop()
