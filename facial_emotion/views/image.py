"""Emotions in pictures: uploaded, taken with the camera, or the example."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from facial_emotion import examples, scene
from facial_emotion.drawing import annotated
from facial_emotion.errors import InputError
from facial_emotion.features.pictures import read_rgb
from facial_emotion.scene import Face
from facial_emotion.views.sidebar import Choice

if TYPE_CHECKING:
    import pandas as pd

NO_FACE = (
    "No face was found here. What helps: a face seen from the front, at least 80 pixels wide and evenly lit, or a "
    "higher detector sensitivity in the sidebar."
)
UNCERTAIN = " · uncertain"
_CROP = 96  # pixels of a face's crop on the page
SHOWN = 1600  # pixels: the longest side of a picture on the page


@dataclass(frozen=True)
class Picture:
    """A picture by name: uint8 RGB (h, w, 3)."""

    name: str
    rgb: np.ndarray


def show(choice: Choice) -> None:
    """The page."""
    st.title("Emotions in a picture")
    for number, picture in enumerate(chosen_pictures()):
        st.divider()
        if isinstance(picture, str):
            st.error(picture, icon=":material/broken_image:")
        else:
            show_picture(picture, choice, number)


def chosen_pictures() -> list[Picture | str]:
    """The pictures that the viewer gave; for one that can't be read, a sentence."""
    upload, camera, example = st.tabs(["Upload", "Camera", "Example"])
    with upload:
        files = st.file_uploader(
            "JPEG, PNG, WebP or BMP, one or several", accept_multiple_files=True, key="upload", max_upload_size=50
        )
    with camera:
        taken = (
            st.camera_input("Take a picture", key="camera") if st.toggle("Use the camera", key="use_camera") else None
        )
    with example:
        st.write("Eileen Collins, astronaut; NASA, public domain.")
        if st.button("Show the example", key="example", type="primary"):
            st.session_state["example_shown"] = True
    sources = [(file.name, file.getvalue()) for file in files or []]
    if taken is not None:
        sources.append(("camera", taken.getvalue()))
    found = [read(name, content) for name, content in sources]
    if not sources and st.session_state.get("example_shown"):
        found.append(Picture("example", examples.portrait()))
    if not found:
        st.info("Give a picture above. It stays in memory and is not kept.", icon=":material/add_photo_alternate:")
    return found


def one_picture(key: str) -> Picture | None:
    """An uploaded picture, or the example; where it can't be read, the page says so."""
    file = st.file_uploader("A picture with a face; without one, the example is taken", key=key)
    picture = read(file.name, file.getvalue()) if file else Picture("example", examples.portrait())
    if isinstance(picture, Picture):
        return picture
    st.error(picture)
    return None


def read(name: str, content: bytes) -> Picture | str:
    """A picture of at most SHOWN pixels a side, or the sentence that says why it is none."""
    try:
        return Picture(name, shrunk(read_rgb(content)))
    except InputError as error:
        return f"{name} could not be read. {str(error)[0].upper()}{str(error)[1:]}."


def shrunk(rgb: np.ndarray) -> np.ndarray:
    """A picture of which no side is over SHOWN pixels."""
    import cv2

    scale = SHOWN / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def show_picture(picture: Picture, choice: Choice, number: int) -> None:
    """One picture: annotated, with each face's crop and bars beside it, and its table and downloads below."""
    try:
        faces = scene.faces_in(picture.rgb, choice.recognizer, choice.threshold)
    except InputError as error:
        st.error(f"{picture.name}: {error}")
        return
    drawn = annotated(picture.rgb, faces, landmarks=choice.landmarks)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.image(drawn, caption=picture.name, width="stretch")
    with right:
        if not faces:
            st.warning(NO_FACE, icon=":material/person_off:")
        for face in faces:
            show_face(face, f"{number}-{face.number}")
    if faces:
        show_table(picture, faces, drawn, number)


def show_face(face: Face, key: str) -> None:
    """A face's crop and the seven probabilities."""
    from facial_emotion.views import charts  # charts take long to import, and the first page has none

    with st.container(border=True):
        st.markdown(f"**{face.number} · {face.label}** · {face.confidence:.0%}" + UNCERTAIN * (not face.certain))
        crop, bars = st.columns([1, 2])
        crop.image(face.crop, width=_CROP, caption="as the model sees it")
        bars.altair_chart(charts.bars(face.probabilities), width="stretch", key=f"bars-{key}")


def show_table(picture: Picture, faces: list[Face], drawn: np.ndarray, number: int) -> None:
    """The table of all faces, and what can be downloaded."""
    table = scene.table(faces)
    st.dataframe(table, hide_index=True, key=f"table-{number}")
    stem = picture.name.rsplit(".", 1)[0]
    offered = [
        ("CSV", table.to_csv(index=False), f"{stem}.csv", "text/csv"),
        ("JSON", to_json(table), f"{stem}.json", "application/json"),
        ("Picture", to_png(drawn), f"{stem}-faces.png", "image/png"),
    ]
    for column, (label, content, file, kind) in zip(st.columns(3), offered, strict=True):
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
    """A table as a JSON list of rows."""
    return json.dumps(table.to_dict(orient="records"), indent=1)


def to_png(rgb: np.ndarray) -> bytes:
    """A picture as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
