"""Recognition in pictures: uploads, pasted and single camera pictures, examples."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from facial_emotion import scene
from facial_emotion.drawing import annotated, blurred
from facial_emotion.scene import Face
from facial_emotion.views import bars, downloads, pictures, recognition
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.pictures import Content, Picture, shrunk
from facial_emotion.views.recognition import Recognised
from facial_emotion.views.sidebar import ViewerSettings

if TYPE_CHECKING:
    import pandas as pd

NO_FACE = translatable(
    'No face was detected. Detection works best on faces that are evenly lit and not too small; "more" faces or '
    '"Search harder" in the sidebar may help.'
)
_CROP_SIDE = 72  # pixels, of a crop on the page
_BESIDE = 2  # faces, whose cards have room beside the picture
CARD_WIDTH = 290  # pixels, of a face's card


def show(settings: ViewerSettings) -> None:
    """Draw the page: the answer first, then the pictures, or a list of them and the one that is chosen there."""
    st.title(t("Emotions in a picture"))
    if not pictures.kept():
        st.write(t("Give a picture of faces, and read what they express. It is processed in memory and not stored."))
        pictures.inputs()
        return
    with st.expander(t("Other pictures"), icon=":material/add_photo_alternate:"):
        pictures.inputs()
    found = recognition.recognise_all(settings)
    for each in found:
        if each.error:
            st.error(each.error, icon=":material/broken_image:")
    readable = [each for each in found if not each.error]
    if not readable:
        return
    st.header(recognition.answer(readable), anchor=False)
    chosen = readable[overview(readable)] if len(readable) > 1 else readable[0]
    show_picture(chosen, pictures.kept()[chosen.number], settings)
    if any(each.faces for each in readable):
        show_downloads(readable, settings.name)
    pictures.forget()


def overview(found: Sequence[Recognised]) -> int:
    """Draw a list of pictures, which can be sorted; returns the index of the one that is chosen, at first 0."""
    import pandas as pd

    rows = [(each.thumbnail, pictures.title(each.name), len(each.faces), recognition.answer([each])) for each in found]
    chosen = st.dataframe(
        pd.DataFrame(rows, columns=["picture", "file", "faces", "answer"]),
        hide_index=True,
        key="overview",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "picture": st.column_config.ImageColumn(t("picture")),
            "file": t("file"),
            "faces": t("faces"),
            "answer": t("answer"),
        },
    )
    st.caption(t("Select a row to see the picture; click on a heading to sort."))
    selected = chosen["selection"]["rows"]
    return int(selected[0]) if selected and selected[0] < len(found) else 0


def show_picture(found: Recognised, content: Content, settings: ViewerSettings) -> None:
    """Draw an annotated picture, and the cards of its faces beside it or below."""
    picture = pictures.read(*content)
    assert isinstance(picture, Picture), "it was read before"
    few = len(found.faces) <= _BESIDE
    left, right = st.columns([3, 2], gap="medium") if few else (st.container(), st.container())
    marked = st.session_state.get(f"marked-{found.number}")
    blur = bool(found.faces) and left.toggle(t("Blur faces"), key="blur", persist_state="session")
    shown = scene.scaled(found.faces, picture.scale)
    with right, st.container(horizontal=True):  # before the picture, which takes longer
        if not found.faces:
            st.warning(t(NO_FACE), icon=":material/person_off:")
        for face in found.faces:
            show_face(face, found.number, marked == face.number)
    rgb = blurred(shrunk(picture), shown) if blur else shrunk(picture)
    rgb = annotated(rgb, shown, landmarks=settings.landmarks and not blur, marked=marked)
    with left:
        st.image(rgb, caption=pictures.title(picture.name), alt=recognition.answer([found]), width="stretch")
        if found.faces:
            stem = picture.name.rsplit(".", 1)[0]
            encode = functools.partial(downloads.to_png, rgb)
            downloads.button(t("Picture with labels"), encode, f"{stem}-faces.png", "image/png")


def show_face(face: Face, number: int, marked: bool) -> None:
    """Draw a face's card: crop and most probable emotions, and ways to the rest.

    number: of the picture on the page; marked: whether the face is marked in it.
    """
    key = f"{number}-{face.number}"
    with st.container(border=True, width=CARD_WIDTH, gap="small", key=f"card-{key}"):
        st.markdown(
            f"{recognition.emoji(face)} **{face.number} · {t(face.label)}** · {face.confidence:.0%}"
            + recognition.uncertain(face)
        )
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.image(face.crop, width=_CROP_SIDE, alt=t("Face {number}, as the model gets it", number=face.number))
            with st.container(width="stretch"):
                st.html(bars.html(face.probabilities, 3))
        with st.container(horizontal=True, gap="small"):
            with st.popover(t("All seven")):
                st.html(bars.html(face.probabilities))
            st.button(
                t("Marked") if marked else t("Mark"),
                key=f"mark-{key}",
                help=t("Show this face in the picture."),
                type="primary" if marked else "secondary",
                on_click=_mark,
                args=(number, None if marked else face.number),
            )
            if st.button(t("Why?"), key=f"why-{key}", help=t("What in this face speaks for the emotion.")):
                _explain(number, face)


def _mark(number: int, face: int | None) -> None:
    """Mark a face in a picture, or none; number: of the picture."""
    st.session_state[f"marked-{number}"] = face


def _explain(number: int, face: Face) -> None:
    """Go to the explanation of a face; number: of its picture."""
    from facial_emotion.views.app import page

    st.session_state.update(why_picture=number, why_face=face.number - 1)
    st.switch_page(page("why"))


def show_downloads(found: Sequence[Recognised], model: str) -> None:
    """Draw the table of all faces, folded, and the buttons that download it."""
    table = faces_of(found, model)
    with st.expander(count(len(table), "The face as a table", "All {number} faces as a table")):
        st.dataframe(table, hide_index=True, key="faces")
    stem = found[0].name.rsplit(".", 1)[0] if len(found) == 1 else "emotions"
    with st.container(horizontal=True):
        downloads.button("CSV", table.to_csv(index=False), f"{stem}.csv", "text/csv")
        downloads.button("JSON", to_json(table), f"{stem}.json", "application/json")


def faces_of(found: Sequence[Recognised], model: str) -> pd.DataFrame:
    """One row for each face of all pictures: file and model, and what ``scene.table`` has, in the file's own pixels."""
    import pandas as pd

    tables = [scene.table(each.faces).assign(file=each.name, model=model) for each in found if each.faces]
    table = pd.concat(tables, ignore_index=True)
    return table[["file", "model", *table.columns.drop(["file", "model"])]]


def to_json(table: pd.DataFrame) -> str:
    """A table as a JSON list of objects, one per row."""
    return json.dumps(table.to_dict(orient="records"), indent=1)
