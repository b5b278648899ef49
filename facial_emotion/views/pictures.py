"""A viewer's pictures: given once, on any page, and kept for all pages of the session."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from facial_emotion import examples, limits
from facial_emotion.batch.sources import HEADER, kind
from facial_emotion.errors import Error
from facial_emotion.features.pictures import read_pages, read_rgb
from facial_emotion.views import camera, messages, visits
from facial_emotion.views.language import t, translatable, upper_first
from facial_emotion.views.visits import Content

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 1460  # pixels, of a picture on the page: a larger one, Streamlit would shrink once more
CHOSEN = "picture"  # in the session: the number of the picture that is looked at, on all pages
VIDEOS = "given_videos"  # in the session: videos that were given among pictures, until they are taken
_DECODED = "decoded"  # in the session: the picture that was decoded last, with its name and content
_FOLDERS = "folders"  # in the session: whether folders are given
_EMPTIED = "emptied"  # in the session: how many times the list of uploaded files was emptied
_MOST_KEPT = 16_000_000  # pixels of a decoded picture that is kept
_HEADS = (0.5, 0.2)  # where a picture is cut for a thumbnail: heads are above the middle
_THUMBNAIL = (120, 90)  # width and height of an example in pixels
_PASTED, CAMERA = translatable(("pasted", "camera"))  # names of pictures that come without one


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
    folders = st.session_state.get(_FOLDERS, False)
    st.file_uploader(
        t("Drop pictures here, or paste one (Ctrl+V): JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF or BMP"),
        accept_multiple_files="directory" if folders else True,
        key=_uploader(),
        max_upload_size=limits.UPLOAD,
        on_change=_keep_uploads,
    )
    st.toggle(t("Whole folders"), key=_FOLDERS, on_change=_empty_uploader)
    say_limit()
    st.caption(t("Or try an example:"))
    with st.container(horizontal=True, gap="small"):
        for name in examples.PICTURES:
            label = f"![]({_thumbnail(name)}) {upper_first(t(name))}"
            st.button(label, key=f"example {name}", on_click=_replace_uploads, args=([(name, None)],))
    if st.toggle(t("Use the camera"), key="use_camera") and camera.ready():
        st.camera_input(t("Take a picture"), key="camera", on_change=_keep_photo)


def say_limit() -> None:
    """Draw the way for files that are too large, among those that were chosen last; none of them was sent."""
    for name, size in st.session_state.get("browser", {}).get("large") or []:
        st.warning(
            t(
                "{name} has {size:.0f} MB, and this page takes {limit} MB. On your own computer there is no such "
                "limit: `facial-emotion recognize {file}`",
                name=messages.plain(name),
                size=size / 1e6,
                limit=limits.UPLOAD,
                file=name.replace("`", ""),
            ),
            icon=":material/scale:",
        )


def listen() -> None:
    """Listen, in the browser, to pictures that are pasted anywhere on the page and to files that are too large."""
    _listener()(
        key="browser",
        data={"limit": limits.UPLOAD * 2**20, "cookie": visits.cookie()},
        default={"large": []},
        on_picture_change=_keep_pasted,
        on_large_change=lambda: None,
    )


@st.cache_resource(show_spinner=False)
def _listener() -> Callable[..., Any]:
    """A component without a look, see browser.js."""
    js = (Path(__file__).parent / "browser.js").read_text(encoding="utf-8")
    return st.components.v2.component("facial_emotion_browser", js=js)


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


def forget() -> None:
    """Draw a button that removes the viewer's pictures."""
    names = [name for name, _ in visits.current().pictures]
    what = title(names[0]) if len(names) == 1 else t("{number} pictures", number=len(names))
    st.button(
        t("Remove {what}", what=messages.plain(what)),
        key="forget",
        icon=":material/close:",
        on_click=_replace_uploads,
        args=([],),
    )


def choose(example: str = next(iter(examples.PICTURES))) -> tuple[Content, Picture] | None:
    """One of the viewer's pictures, or the example of a name. None, and an error on the page, if it is damaged.

    It draws a choice where there are several, and the ways to give others.
    """
    contents = visits.current().pictures or [(example, None)]
    number = 0
    if len(contents) > 1:
        number = choose_by_look(t("Picture"), [(title(name), look_of(name, content)) for name, content in contents])
    with st.expander(t("Other pictures"), icon=":material/add_photo_alternate:"):
        inputs()
    content = contents[number]
    try:
        return content, read(*content)
    except Error as error:
        st.error(messages.unreadable(content[0], error))
    return None


def choose_by_look(label: str, options: Sequence[tuple[str, str]], key: str = CHOSEN) -> int:
    """Draw a choice among pictures, by name and data URL; returns the index. Other arguments: of ``choose_among``."""
    return choose_among(range(len(options)), label, options, key)


def choose_among(numbers: Sequence[int], label: str, looks: Sequence[tuple[str, str]], key: str = CHOSEN) -> int:
    """Draw a choice among numbered pictures, by name and data URL; returns the index of the one that is chosen.

    key: of the chosen number in the session, by default that of the picture that is looked at on all pages.
    """
    names = {number: f"![]({url}) {messages.plain(name)}" for number, (name, url) in zip(numbers, looks, strict=True)}
    if st.session_state.get(key) not in names:
        st.session_state[key] = numbers[0]
    chosen = st.segmented_control(
        label,
        numbers,
        default=st.session_state[key],
        format_func=names.__getitem__,
        key=key,
        required=True,
        persist_state="session",
    )
    return list(numbers).index(numbers[0] if chosen is None else chosen)


def look_of(name: str, content: bytes | None) -> str:
    """A small look of a picture as a data URL, made once; empty for what can't be read."""
    looks = visits.current().looks
    if (name, content) not in looks:
        try:
            looks[name, content] = look(decode(name, content).rgb)
        except Error:
            looks[name, content] = ""
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


def decode(name: str, content: bytes | None) -> Picture:
    """Decode a picture. Raises Error where it can't be decoded."""
    return Picture(name, examples.PICTURES[name]() if content is None else read_rgb(content))


def read(name: str, content: bytes | None) -> Picture:
    """Decode a picture, or take it as it was decoded just before. Raises Error where it can't be decoded."""
    known: tuple[Content, Picture] | None = st.session_state.get(_DECODED)
    if known and known[0] == (name, content):
        return known[1]
    picture = decode(name, content)
    hold((name, content), picture)
    return picture


def hold(content: Content, picture: Picture) -> None:
    """Keep a decoded picture for the session's next run, if it is not too large."""
    if picture.rgb.shape[0] * picture.rgb.shape[1] <= _MOST_KEPT:
        st.session_state[_DECODED] = (content, picture)


def shrunk(picture: Picture) -> np.ndarray:
    """A picture's pixels, uint8 RGB (h, w, 3), shrunk so that no side is over MAX_SIDE pixels."""
    import cv2

    if picture.scale == 1:
        return picture.rgb
    height, width = picture.rgb.shape[:2]
    size = (max(1, round(width * picture.scale)), max(1, round(height * picture.scale)))
    return cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA)


def keep(contents: list[Content]) -> None:
    """Make these the viewer's pictures. Videos among them go to their own page, see ``views.video``."""
    videos = [content for content in contents if is_video(*content)]
    visits.current().keep([content for content in contents if content not in videos])
    st.session_state[VIDEOS] = videos
    st.session_state.pop(_DECODED, None)
    st.session_state.pop(CHOSEN, None)


def is_video(name: str, content: bytes | None) -> bool:
    """Whether a file is a video, by its first bytes or its name."""
    return content is not None and kind(name, content[:HEADER]) == "video"


def _uploader() -> str:
    """The key of the uploader: another one, which lists no files, after each ``_replace_uploads``."""
    return f"upload{st.session_state.get(_EMPTIED, '')}"


def _replace_uploads(contents: list[Content]) -> None:
    """Make these the viewer's pictures, and the list of uploaded files empty."""
    keep(contents)
    _empty_uploader()


def _empty_uploader() -> None:
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
    content = st.session_state["browser"].picture
    if content:
        _replace_uploads([(_PASTED, base64.b64decode(content))])


def _keep_photo() -> None:
    photo = st.session_state["camera"]
    _replace_uploads([(CAMERA, photo.getvalue())] if photo is not None else [])
