"""Recognition in pictures: uploads, single camera pictures, or the example."""

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
from facial_emotion.views.sidebar import ViewerSettings

if TYPE_CHECKING:
    import pandas as pd

NO_FACE = (
    'No face was detected. Detection works best on faces that are evenly lit and not too small; "more" faces or '
    '"Search harder" in the sidebar may help.'
)
UNCERTAIN = " · uncertain"
_CROP_SIDE = 96  # pixels, of a crop on the page
MAX_SIDE = 1600  # pixels, of a picture on the page


@dataclass(frozen=True)
class Picture:
    """A picture and its name. rgb: uint8 (h, w, 3), as given."""

    name: str
    rgb: np.ndarray

    @property
    def scale(self) -> float:
        """What the picture's sides are multiplied by on the page."""
        return min(1.0, MAX_SIDE / int(max(self.rgb.shape[:2])))


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title("Emotions in a picture")
    for number, picture in enumerate(selected_pictures()):
        st.divider()
        if isinstance(picture, str):
            st.error(picture, icon=":material/broken_image:")
        else:
            show_picture(picture, settings, number)


def selected_pictures() -> list[Picture | str]:
    """Draw the inputs and return the viewer's pictures; an error message for each that can't be read."""
    upload, camera, example = st.tabs(["Upload", "Camera", "Example"])
    with upload:
        files = st.file_uploader(
            "JPEG, PNG, WebP or BMP, one or several", accept_multiple_files=True, key="upload", max_upload_size=50
        )
    with camera:
        photo = (
            st.camera_input("Take a picture", key="camera") if st.toggle("Use the camera", key="use_camera") else None
        )
    with example:
        st.write("Eileen Collins, astronaut; NASA, public domain.")
        if st.button("Show the example", key="example", type="primary"):
            st.session_state["example_shown"] = True
    sources = [(file.name, file.getvalue()) for file in files or []]
    if photo is not None:
        sources.append(("camera", photo.getvalue()))
    pictures: list[Picture | str] = [read(name, content) for name, content in sources]
    if not sources and st.session_state.get("example_shown"):
        pictures.append(Picture("example", examples.portrait()))
    if not pictures:
        st.info(
            "Select a picture above. It is processed in memory and not stored.", icon=":material/add_photo_alternate:"
        )
    return pictures


def one_picture(key: str) -> Picture | None:
    """An uploaded picture, or the example. None, and an error on the page, where it can't be read."""
    file = st.file_uploader("A picture with a face; the example is used if there is none", key=key)
    picture = read(file.name, file.getvalue()) if file else Picture("example", examples.portrait())
    if isinstance(picture, Picture):
        return picture
    st.error(picture)
    return None


def read(name: str, content: bytes) -> Picture | str:
    """Decode a picture; an error message where it can't be decoded."""
    try:
        return Picture(name, read_rgb(content))
    except InputError as error:
        return f"{name} could not be read. {str(error)[0].upper()}{str(error)[1:]}."


def shrunk(picture: Picture) -> np.ndarray:
    """A picture's pixels, uint8 RGB (h, w, 3), shrunk so that no side is over MAX_SIDE pixels."""
    import cv2

    if picture.scale == 1:
        return picture.rgb
    height, width = picture.rgb.shape[:2]
    size = (max(1, round(width * picture.scale)), max(1, round(height * picture.scale)))
    return cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA)


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
            show_face(face, f"{number}-{face.number}")
    if faces:
        show_table(picture, faces, annotated_rgb, number)


def show_face(face: Face, key: str) -> None:
    """Draw a face's crop and its probabilities."""
    from facial_emotion.views import charts  # a slow import, which the first page does without

    with st.container(border=True):
        st.markdown(f"**{face.number} · {face.label}** · {face.confidence:.0%}" + UNCERTAIN * (not face.certain))
        crop, bars = st.columns([1, 2])
        crop.image(face.crop, width=_CROP_SIDE, caption="model input")
        bars.altair_chart(charts.bars(face.probabilities), width="stretch", key=f"bars-{key}")


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
