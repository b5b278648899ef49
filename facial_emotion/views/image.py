"""Recognition in pictures: uploads, single camera pictures, or the example."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from facial_emotion import scene
from facial_emotion.drawing import annotated
from facial_emotion.errors import InputError
from facial_emotion.scene import Face
from facial_emotion.views import pictures
from facial_emotion.views.pictures import Picture, shrunk
from facial_emotion.views.sidebar import ViewerSettings

if TYPE_CHECKING:
    import pandas as pd

NO_FACE = (
    'No face was detected. Detection works best on faces that are evenly lit and not too small; "more" faces or '
    '"Search harder" in the sidebar may help.'
)
UNCERTAIN = " · uncertain"
_CROP_SIDE = 96  # pixels, of a crop on the page


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title("Emotions in a picture")
    pictures.inputs()
    contents = pictures.kept()
    if not contents:
        st.info(
            "Select a picture above. It is processed in memory and not stored.", icon=":material/add_photo_alternate:"
        )
        return
    pictures.forget()
    for number, content in enumerate(contents):
        st.divider()
        picture = pictures.read(*content)
        if isinstance(picture, str):
            st.error(picture, icon=":material/broken_image:")
        else:
            show_picture(picture, settings, number)


def show_picture(picture: Picture, settings: ViewerSettings, number: int) -> None:
    """Draw an annotated picture, its faces beside it, and a table and downloads below. number: unique on the page."""
    try:
        faces = scene.faces_in(picture.rgb, settings.recognizer, *settings.search)
    except InputError as error:
        st.error(f"{picture.name}: {error}")
        return
    shown = scene.scaled(faces, picture.scale)
    annotated_rgb = annotated(shrunk(picture), shown, landmarks=settings.landmarks)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.image(annotated_rgb, caption=picture.name, width="stretch")
    with right:
        if not faces:
            st.warning(NO_FACE, icon=":material/person_off:")
        for face in faces:
            show_face(face, number)
    if faces:
        show_table(picture, faces, annotated_rgb, number)


def show_face(face: Face, number: int) -> None:
    """Draw a face's crop, its probabilities, and a way to their explanation. number: of the picture on the page."""
    from facial_emotion.views import charts  # a slow import, which the first page does without

    with st.container(border=True):
        st.markdown(f"**{face.number} · {face.label}** · {face.confidence:.0%}" + UNCERTAIN * (not face.certain))
        crop, bars = st.columns([1, 2])
        crop.image(face.crop, width=_CROP_SIDE, caption="model input")
        bars.altair_chart(charts.bars(face.probabilities), width="stretch", key=f"bars-{number}-{face.number}")
        if crop.button("Why?", key=f"why-{number}-{face.number}", help="What in this face speaks for the emotion."):
            _explain(number, face)


def _explain(number: int, face: Face) -> None:
    """Go to the explanation of a face; number: of its picture."""
    from facial_emotion.views.app import page

    st.session_state.update(why_picture=number, why_face=face.number)
    st.switch_page(page("why"))


def show_table(picture: Picture, faces: list[Face], annotated_rgb: np.ndarray, number: int) -> None:
    """Draw the table of all faces and the download buttons."""
    table = scene.table(faces)
    st.dataframe(table, hide_index=True, key=f"table-{number}")
    stem = picture.name.rsplit(".", 1)[0]
    downloads = [
        ("CSV", table.to_csv(index=False), f"{stem}.csv", "text/csv"),
        ("JSON", to_json(table), f"{stem}.json", "application/json"),
        ("Picture", to_png(annotated_rgb), f"{stem}-faces.png", "image/png"),
    ]
    for column, (label, content, file, kind) in zip(st.columns(3), downloads, strict=True):
        column.download_button(
            label,
            content,
            file,
            kind,
            key=f"{label}-{number}",
            on_click="ignore",
            icon=":material/download:",
            width="stretch",
        )


def to_json(table: pd.DataFrame) -> str:
    """A table as a JSON list of objects, one per row."""
    return json.dumps(table.to_dict(orient="records"), indent=1)


def to_png(rgb: np.ndarray) -> bytes:
    """A picture, uint8 RGB (h, w, 3), encoded as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
