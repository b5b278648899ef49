"""A viewer's pictures: given once, on any page, and kept for all pages of the session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from facial_emotion import examples
from facial_emotion.errors import InputError
from facial_emotion.features.pictures import read_rgb

MAX_SIDE = 1600  # pixels, of a picture on the page
EXAMPLE = "example"
_KEPT = "pictures"  # in the session: names and encoded contents; the example has none
_MEGABYTES = 50  # of an uploaded file

Content = tuple[str, bytes | None]


@dataclass(frozen=True)
class Picture:
    """A picture and its name. rgb: uint8 (h, w, 3), as given."""

    name: str
    rgb: np.ndarray

    @property
    def scale(self) -> float:
        """What the picture's sides are multiplied by on the page."""
        return min(1.0, MAX_SIDE / int(max(self.rgb.shape[:2])))


def inputs() -> None:
    """Draw the ways to give pictures: files, the camera, the example."""
    upload, camera, example = st.tabs(["Upload", "Camera", "Example"])
    with upload:
        st.file_uploader(
            "JPEG, PNG, WebP or BMP, one or several",
            accept_multiple_files=True,
            key="upload",
            max_upload_size=_MEGABYTES,
            on_change=_keep_uploads,
        )
    with camera:
        if st.toggle("Use the camera", key="use_camera"):
            st.camera_input("Take a picture", key="camera", on_change=_keep_photo)
    with example:
        st.write("Eileen Collins, astronaut; NASA, public domain.")
        st.button("Show the example", key="example", type="primary", on_click=keep, args=([(EXAMPLE, None)],))


def kept() -> list[Content]:
    """The names and contents of the viewer's pictures."""
    result: list[Content] = st.session_state.get(_KEPT, [])
    return result


def forget() -> None:
    """Draw a button that removes the viewer's pictures."""
    names = [name for name, _ in kept()]
    what = names[0] if len(names) == 1 else f"{len(names)} pictures"
    st.button(f"Remove {what}", key="forget", icon=":material/close:", on_click=keep, args=([],))


def choose(key: str) -> Picture | None:
    """One of the viewer's pictures, or the example where there is none. None, and an error on the page, if damaged.

    It draws a choice where there are several, and the ways to give others. key: of the choice in the session.
    """
    contents = kept() or [(EXAMPLE, None)]
    number = 0
    if len(contents) > 1:
        number = st.selectbox("Picture", range(len(contents)), format_func=lambda index: contents[index][0], key=key)
    with st.expander("Another picture", icon=":material/add_photo_alternate:"):
        inputs()
    picture = read(*contents[number])
    if isinstance(picture, Picture):
        return picture
    st.error(picture)
    return None


def read(name: str, content: bytes | None) -> Picture | str:
    """Decode a picture; an error message where it can't be decoded."""
    if content is None:
        return Picture(name, examples.portrait())
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


def keep(contents: list[Content]) -> None:
    """Make these the viewer's pictures."""
    st.session_state[_KEPT] = contents


def _keep_uploads() -> None:
    keep([(file.name, file.getvalue()) for file in st.session_state["upload"]])


def _keep_photo() -> None:
    photo = st.session_state["camera"]
    keep([("camera", photo.getvalue())] if photo is not None else [])
