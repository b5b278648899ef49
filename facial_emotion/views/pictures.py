"""A viewer's pictures: given once, on any page, and kept for all pages of the session."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from facial_emotion import examples
from facial_emotion.errors import Error
from facial_emotion.features.pictures import read_pages, read_rgb
from facial_emotion.views.language import t, translatable, upper_first

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 1460  # pixels, of a picture on the page: a larger one, Streamlit would shrink once more
_KEPT = "pictures"  # in the session: names and encoded contents; an example has none
_LOOKS = "looks"  # in the session: data URLs of small looks, by picture
_DECODED = "decoded"  # in the session: the picture that was decoded last, with its name and content
_EMPTIED = "emptied"  # in the session: how many times the list of uploaded files was emptied
_MOST_KEPT = 16_000_000  # pixels of a decoded picture that is kept
_MEGABYTES = 50  # of an uploaded file
_HEADS = (0.5, 0.2)  # where a picture is cut for a thumbnail: heads are above the middle
_THUMBNAIL = (120, 90)  # width and height of an example in pixels
_PASTED, CAMERA = translatable(("pasted", "camera"))  # names of pictures that come without one
_PASTE = """
export default function({ setTriggerValue }) {
    const onPaste = event => {
        const file = [...event.clipboardData.files].find(file => file.type.startsWith('image/'))
        if (!file) return
        const reader = new FileReader()
        reader.onload = () => setTriggerValue('picture', reader.result.split(',')[1])
        reader.readAsDataURL(file)
    }
    window.addEventListener('paste', onPaste)
    return () => window.removeEventListener('paste', onPaste)
}
"""

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
    """Draw the ways to give pictures: files, the clipboard, the camera, examples."""
    st.file_uploader(
        t("Drop pictures here, or paste one (Ctrl+V): JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF or BMP"),
        accept_multiple_files=True,
        key=_uploader(),
        max_upload_size=_MEGABYTES,
        on_change=_keep_uploads,
    )
    _paste_listener()(key="pasted", on_picture_change=_keep_pasted)
    st.caption(t("Or try an example:"))
    with st.container(horizontal=True, gap="small"):
        for name in examples.PICTURES:
            label = f"![]({_thumbnail(name)}) {upper_first(t(name))}"
            st.button(label, key=f"example {name}", on_click=_replace_uploads, args=([(name, None)],))
    if st.toggle(t("Use the camera"), key="use_camera"):
        st.camera_input(t("Take a picture"), key="camera", on_change=_keep_photo)


@st.cache_resource(show_spinner=False)
def _paste_listener() -> Callable[..., Any]:
    """A component without a look: it sends a picture that is pasted anywhere on the page, as base64."""
    return st.components.v2.component("facial_emotion_paste", js=_PASTE)


@st.cache_data(show_spinner=False)
def _thumbnail(name: str) -> str:
    """A small picture of an example, a key of ``examples.PICTURES``, as a data URL."""
    from PIL import Image, ImageOps

    return data_url(ImageOps.fit(Image.fromarray(examples.PICTURES[name]()), _THUMBNAIL, centering=_HEADS))


def data_url(picture: Image.Image) -> str:
    """A picture as a data URL of a JPEG."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def kept() -> list[Content]:
    """The names and contents of the viewer's pictures."""
    result: list[Content] = st.session_state.get(_KEPT, [])
    return result


def forget() -> None:
    """Draw a button that removes the viewer's pictures."""
    names = [name for name, _ in kept()]
    what = title(names[0]) if len(names) == 1 else t("{number} pictures", number=len(names))
    st.button(
        t("Remove {what}", what=plain(what)),
        key="forget",
        icon=":material/close:",
        on_click=_replace_uploads,
        args=([],),
    )


def choose(key: str) -> Picture | None:
    """One of the viewer's pictures, or an example where there is none. None, and an error on the page, if damaged.

    It draws a choice where there are several, and the ways to give others. key: of the choice in the session.
    """
    contents = kept() or [(next(iter(examples.PICTURES)), None)]
    number = 0
    if len(contents) > 1:
        number = choose_by_look(t("Picture"), [(name, _look(name, content)) for name, content in contents], key)
    with st.expander(t("Another picture"), icon=":material/add_photo_alternate:"):
        inputs()
    picture = read(*contents[number])
    if isinstance(picture, Picture):
        return picture
    st.error(picture)
    return None


def choose_by_look(label: str, options: Sequence[tuple[str, str]], key: str) -> int:
    """Draw a choice among pictures, by name and data URL; returns the index. key: of the choice in the session."""
    looks = [f"![]({url}) {plain(name)}" for name, url in options]
    if st.session_state.get(key) not in range(len(options)):
        st.session_state[key] = 0
    index = st.segmented_control(label, range(len(options)), format_func=looks.__getitem__, key=key, required=True)
    return int(index or 0)


def plain(text: str) -> str:
    """A text that Markdown shows as it is: a file may have any name."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~:$-])", r"\\\1", text)


def _look(name: str, content: bytes | None) -> str:
    """A small look of a picture as a data URL, made once; empty for what can't be read."""
    looks: dict[Content, str] = st.session_state.setdefault(_LOOKS, {})
    if (name, content) not in looks:
        picture = read(name, content)
        looks[name, content] = look(picture.rgb) if isinstance(picture, Picture) else ""
    return looks[name, content]


def look(rgb: np.ndarray) -> str:
    """A small look of a picture, uint8 RGB or grey, as a data URL."""
    from PIL import Image

    small = Image.fromarray(rgb)
    small.thumbnail(_THUMBNAIL)
    return data_url(small)


def title(name: str) -> str:
    """What a picture is called on the page: a file's name, or the name of another picture in the viewer's language."""
    return t(name) if name in (*examples.PICTURES, _PASTED, CAMERA) else name


def read(name: str, content: bytes | None) -> Picture | str:
    """Decode a picture, or take it as it was decoded just before; an error message where it can't be decoded."""
    if content is None:
        return Picture(name, examples.PICTURES[name]())
    known: tuple[Content, Picture] | None = st.session_state.get(_DECODED)
    if known and known[0] == (name, content):
        return known[1]
    try:
        picture = Picture(name, read_rgb(content))
    except Error as error:
        return t("{name} could not be read. {reason}.", name=title(name), reason=upper_first(str(error)))
    if picture.rgb.shape[0] * picture.rgb.shape[1] <= _MOST_KEPT:
        st.session_state[_DECODED] = ((name, content), picture)
    return picture


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
    st.session_state[_LOOKS] = {}
    st.session_state.pop(_DECODED, None)


def _uploader() -> str:
    """The key of the uploader: another one, which lists no files, after each ``_replace_uploads``."""
    return f"upload{st.session_state.get(_EMPTIED, '')}"


def _replace_uploads(contents: list[Content]) -> None:
    """Make these the viewer's pictures, and the list of uploaded files empty."""
    keep(contents)
    st.session_state[_EMPTIED] = st.session_state.get(_EMPTIED, 0) + 1


def _keep_uploads() -> None:
    keep([page for file in st.session_state[_uploader()] for page in _pages(file.name, file.getvalue())])


def _pages(name: str, content: bytes) -> list[Content]:
    """A file as a picture, or a TIFF of several pages as one for each."""
    from PIL import Image

    found: list[Content] = []
    try:
        for number, rgb in read_pages(content) if content[:4] in (b"II*\0", b"MM\0*") else ():
            if number is not None:
                stream = io.BytesIO()
                Image.fromarray(rgb).save(stream, "PNG", compress_level=1)
                found.append((f"{name} ({number})", stream.getvalue()))
    except Error:
        if found:  # a page that reading says to be none
            found.append((f"{name} ({len(found) + 1})", b""))
    return found or [(name, content)]


def _keep_pasted() -> None:
    content = st.session_state["pasted"].picture
    if content:
        _replace_uploads([(_PASTED, base64.b64decode(content))])


def _keep_photo() -> None:
    photo = st.session_state["camera"]
    _replace_uploads([(CAMERA, photo.getvalue())] if photo is not None else [])
