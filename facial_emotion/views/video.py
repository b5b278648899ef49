"""Recognition in a video file: its emotions over time, and an annotated copy."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import streamlit as st
from PIL import Image

from facial_emotion import examples
from facial_emotion.drawing import annotated
from facial_emotion.errors import InputError
from facial_emotion.video import reader
from facial_emotion.video.analysis import Analysis
from facial_emotion.video.reader import Frame
from facial_emotion.video.record import shares
from facial_emotion.video.stream import HOLD, Settings
from facial_emotion.views import charts, downloads, pictures, recognition
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.sidebar import ViewerSettings

_KEPT = "video"  # in the session
_MEGABYTES = 200  # of an uploaded file
_INTERVAL = 0.4  # seconds between two pictures of the frame at work
_EXAMPLE = translatable("example video")


class Kept:
    """A viewer's video and its analysis. content: None for the example.

    Its files lie in a folder of their own that is deleted with this, at the latest when the viewer's session ends.
    """

    def __init__(self, name: str, content: bytes | None, settings: ViewerSettings) -> None:
        """Raises InputError where the content can't be read."""
        folder = Path(tempfile.mkdtemp(prefix="facial-emotion-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.name, self.path, self.copy = name, None, folder / "annotated.mp4"
        if content is not None:
            self.path = folder / f"video{Path(name).suffix[:8]}"
            self.path.write_bytes(content)
        self.begin(settings)

    def begin(self, settings: ViewerSettings) -> None:
        """Begin the analysis, with these settings."""
        if self.path is None:
            frames, count = _example(), sum(1 for _ in examples.video())
        else:
            frames, count = reader.read(self.path), reader.size(self.path)
        search = Settings(settings.recognizer, search=settings.search, detection_interval=1, hold=HOLD)
        self.analysis = Analysis(self.name, frames, count, search, self.copy)


def show(settings: ViewerSettings) -> None:
    """Draw the page: the ways to give a video, its analysis at work, or its results."""
    st.title(t("Emotions in a video"))
    kept: Kept | None = st.session_state.get(_KEPT)
    if kept is None:
        inputs(settings)
        return
    if not kept.analysis.finished:
        _run(kept.analysis)
        st.rerun()
    results(kept, settings)


def inputs(settings: ViewerSettings) -> None:
    """Draw the ways to give a video."""
    st.write(t("Give a video, and read what its faces express over time. It is deleted when you leave or remove it."))
    uploaded = st.file_uploader(
        t("Drop a video here: MP4, MOV, WebM, MKV, AVI or another usual kind"),
        key="video_upload",
        max_upload_size=_MEGABYTES,
    )
    if uploaded is not None:
        try:
            st.session_state[_KEPT] = Kept(uploaded.name, uploaded.getvalue(), settings)
        except InputError as error:
            found = str(error).partition(": ")[2]
            said = t("{name} could not be read: {reason}.", name=uploaded.name, reason=found)
            st.error(said, icon=":material/broken_image:")
            return
        st.rerun()
    if st.button(t("Try the example"), key="video example", icon=":material/movie:"):
        st.session_state[_KEPT] = Kept(_EXAMPLE, None, settings)
        st.rerun()


def _example() -> Iterator[Frame]:
    """The frames of the example video."""
    for number, (seconds, rgb) in enumerate(examples.video()):
        yield Frame(number, seconds, rgb)


def _run(analysis: Analysis) -> None:
    """Analyse what is left of a video, and draw it at work."""
    name = title(analysis.name)
    progress, picture = st.progress(analysis.share, t("Reading {name}", name=name)), st.empty()
    st.button(t("Stop, and keep what is done"), key="stop", on_click=analysis.stop, icon=":material/stop:")
    drawn = 0.0
    while (step := analysis.step()) is not None:
        if time.monotonic() - drawn > _INTERVAL:
            drawn = time.monotonic()
            progress.progress(analysis.share, f"{name}: {step.frame.seconds:.1f} s, {analysis.share:.0%}")
            rgb = pictures.shrunk(pictures.Picture(analysis.name, annotated(step.frame.rgb, step.faces)))
            picture.image(rgb, alt=t("The frame at work"), width=640)


def results(kept: Kept, settings: ViewerSettings) -> None:
    """Draw the results: in a sentence, as an annotated video, over time, and to download."""
    analysis, rows = kept.analysis, kept.analysis.record.rows
    if analysis.error:
        said = t("The video could not be read to its end: {reason}.", reason=analysis.error)
        st.warning(said, icon=":material/broken_image:")
    st.header(answer(analysis), anchor=False)
    name, model = title(analysis.name), analysis.settings.recognizer.name
    if analysis.every > 1:
        every = analysis.every
        st.caption(t("{name}, analysed by {model}, one frame in {every}.", name=name, model=model, every=every))
    else:
        st.caption(t("{name}, analysed by {model}.", name=name, model=model))
    if settings.name != model and st.button(t("Analyse again by {model}", model=settings.name)):
        kept.begin(settings)
        st.rerun()
    film = analysis.copy.read_bytes() if analysis.copy.is_file() else b""
    left, right = st.columns([3, 2], gap="medium")
    if film:
        left.video(film)
    if len(rows):
        stills = {seconds: pictures.data_url(Image.fromarray(still)) for seconds, still in analysis.stills.items()}
        charts.draw(charts.time_shares(rows), "time_shares", right)
        st.subheader(t("Over time"), anchor=False)
        charts.draw(charts.timeline(rows, stills), "timeline")
    stem = analysis.name.rsplit(".", 1)[0]
    with st.container(horizontal=True):
        if len(rows):
            downloads.button("CSV", analysis.record.to_csv(), f"{stem}.csv", "text/csv")
        if film:
            downloads.button(t("Annotated video"), film, f"{stem}-faces.mp4", "video/mp4")
        st.button(
            t("Remove {what}", what=pictures.plain(name)), key="forget_video", icon=":material/close:", on_click=_forget
        )


def answer(analysis: Analysis) -> str:
    """What was found, in a sentence: "2 faces in 6 s: 😀 happy 62%, 😐 neutral 38% of the faces' time"."""
    rows = analysis.record.rows
    number = len(set(rows["face"].tolist()))
    if not number:
        return t("No face in {seconds:.0f} s", seconds=analysis.seconds)
    parts = [
        f"{recognition.EMOJI[name]} {t(name)} {share:.0%}" for name, share in shares(rows).items() if share >= 0.05
    ]
    return t(
        "{faces} in {seconds:.0f} s: {emotions} of the faces' time",
        faces=count(number, "{number} face", "{number} faces"),
        seconds=analysis.seconds,
        emotions=", ".join(parts),
    )


def title(name: str) -> str:
    """What a video is called on the page: a file's name, or the example's in the viewer's language."""
    return t(name) if name == _EXAMPLE else name


def _forget() -> None:
    del st.session_state[_KEPT]
