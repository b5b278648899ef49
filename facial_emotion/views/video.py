"""Recognition in a video file: its emotions over time, and an annotated copy."""

from __future__ import annotations

import functools
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from facial_emotion import examples, limits
from facial_emotion.drawing import annotated
from facial_emotion.errors import Error
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.video import reader
from facial_emotion.video.analysis import Analysis
from facial_emotion.video.people import People
from facial_emotion.video.reader import Frame
from facial_emotion.video.record import shares
from facial_emotion.video.stream import HOLD, Settings
from facial_emotion.views import charts, downloads, jobs, language, messages, people, pictures, recognition, visits
from facial_emotion.views.jobs import Job
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.sidebar import ViewerSettings

_EXAMPLE = translatable("example video")
_AT_WORK = 640, 360  # largest width and height of the picture at work, in pixels


class Film:
    """A viewer's video and its analysis. content: None for the example; left_out: names of others given with it.

    Its files lie in a folder of their own that is deleted with this, at the latest when the visit is forgotten.
    """

    def __init__(
        self, name: str, content: bytes | None, settings: ViewerSettings, left_out: Sequence[str] = ()
    ) -> None:
        """Raises InputError where the content can't be read."""
        self.name, self.size, self.people, self.path = name, len(content or b""), People(), None
        self.left_out = left_out
        self._folder = Path(tempfile.mkdtemp(prefix="facial-emotion-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        if content is not None:
            self.path = self._folder / f"video{Path(name).suffix[:8]}"
            self.path.write_bytes(content)
        self.begin(settings)

    def begin(self, settings: ViewerSettings) -> None:
        """Begin the analysis, with these settings."""
        if self.path is None:
            frames, count = _example(), examples.FRAMES
        else:
            frames, count = reader.read(self.path), reader.size(self.path)
        search = Settings(settings.recognizer, search=settings.search, detection_interval=1, hold=HOLD)
        copy = self._folder / f"{settings.name}.mp4"
        words = language.labels(EMOTIONS).__getitem__  # of the viewer, whom the job's thread does not know
        self.analysis = Analysis(self.name, frames, count, search, copy, words)
        self.job = Job(self.analysis.run())


def show(settings: ViewerSettings) -> None:
    """Draw the page: the ways to give a video, its analysis at work, or its results."""
    st.title(t("Emotions in a video"))
    given: list[visits.Content] | None = st.session_state.pop(pictures.VIDEOS, None)
    if given:
        give(given[0][0], given[0][1], settings, [name for name, _ in given[1:]])
    film = visits.current().film
    if not isinstance(film, Film):
        inputs(settings)
        return
    if film.left_out:
        names = ", ".join(messages.plain(name) for name in film.left_out)
        st.info(t("One video at a time: {names} was left out.", names=names))
    jobs.wait_for(film.job, lambda: _at_work(film.analysis), lambda: _draw_step(film.analysis))
    film.analysis.step = None  # a large frame that nobody looks at any more
    if film.job.error is not None:
        _forget_button(film)
        raise film.job.error
    results(film, settings)


def inputs(settings: ViewerSettings) -> None:
    """Draw the ways to give a video."""
    st.write(
        t("Give a video, and read what its faces express over time. It is deleted when you remove it, or in an hour.")
    )
    uploaded = st.file_uploader(
        t("Drop a video here: MP4, MOV, WebM, MKV, AVI or another usual kind"),
        key="video_upload",
        max_upload_size=limits.UPLOAD,
    )
    pictures.say_limit()
    if uploaded is not None and give(uploaded.name, uploaded.getvalue(), settings):
        st.rerun()
    if st.button(t("Try the example"), key="video example", icon=":material/movie:"):
        give(_EXAMPLE, None, settings)
        st.rerun()


def give(name: str, content: bytes | None, settings: ViewerSettings, left_out: Sequence[str] = ()) -> bool:
    """Make this the viewer's video. False, and an error on the page, where it can't be read.

    left_out: names of others that were given with it.
    """
    visit = visits.current()
    visit.remove_film()
    try:
        visit.film = Film(name, content, settings, left_out)
    except Error as error:
        st.error(messages.unreadable(name, error), icon=":material/broken_image:")
        return False
    return True


def _example() -> Iterator[Frame]:
    """The frames of the example video."""
    for number, (seconds, rgb) in enumerate(examples.video()):
        yield Frame(number, seconds, rgb)


def _at_work(analysis: Analysis) -> str:
    """How far an analysis has come, in words; the visit is looked at meanwhile."""
    visits.current()
    name = messages.plain(title(analysis.name))
    return f"{name}: {language.number(analysis.seconds, '.1f')} s" if analysis.step else t("Reading {name}", name=name)


def _draw_step(analysis: Analysis) -> None:
    """Draw the frame that was analysed last, in a place that is there before the first one is."""
    with st.container(height=_AT_WORK[1] + 40, border=False):
        step = analysis.step
        if step is not None:
            rgb = pictures.shrunk(pictures.Picture(analysis.name, annotated(step.frame.rgb, step.faces, words=t)))
            width = min(_AT_WORK[0], round(_AT_WORK[1] * rgb.shape[1] / rgb.shape[0]))
            st.image(rgb, alt=t("The frame at work"), width=max(1, width))


def results(film: Film, settings: ViewerSettings) -> None:
    """Draw the results: in a sentence, as an annotated video, over time, and to download."""
    analysis, rows = film.analysis, film.people.applied(film.analysis.record.rows)
    if analysis.error:
        st.warning(messages.ended_early(analysis.error), icon=":material/broken_image:")
    st.header(answer(rows, analysis.seconds), anchor=False)
    name, model = messages.plain(title(analysis.name)), analysis.settings.recognizer.name
    about = t("{name}, analysed by {model}.", name=name, model=model)
    if analysis.every > 1:
        about = t("{name}, analysed by {model}, one frame in {every}.", name=name, model=model, every=analysis.every)
    st.caption(about)
    with st.container(horizontal=True):
        copy = analysis.copy.read_bytes() if analysis.copy.is_file() else b""
        stem = analysis.name.rsplit(".", 1)[0]
        if len(rows):
            columns = film.people.columns(analysis.record.rows)
            downloads.button("CSV", lambda: analysis.record.to_csv(columns).encode(), f"{stem}.csv", "text/csv")
        if copy:
            downloads.button(t("Annotated video"), copy, f"{stem}-faces.mp4", "video/mp4")
        if settings.name != model and st.button(t("Analyse again by {model}", model=settings.name)):
            film.job.end()
            film.begin(settings)
            st.rerun()
        _forget_button(film)
    left, right = st.columns([3, 2], gap="medium")
    place = left.empty()
    span: charts.Span | None = None
    if len(rows):
        called = functools.partial(people.called, film.people)
        charts.draw(charts.time_shares(rows, called), "time_shares", right)
        stills = {seconds: pictures.data_url(Image.fromarray(still)) for seconds, still in analysis.stills.items()}
        st.header(t("Over time"), anchor=False)
        span = charts.selected(charts.timeline(rows, stills, called), "timeline")
        st.caption(t("Click on a bar to see that moment, and to correct its label."))
        people.edit(film.people, analysis.record.rows, span)
    if copy:
        place.video(copy, start_time=span.start if span else 0)


def answer(rows: np.ndarray, seconds: float) -> str:
    """What was found, in a sentence: "2 faces in 6 s: 😀 happy 62%, 😐 neutral 38% of the faces' time"."""
    number = len(np.unique(rows["face"]))
    if not number:
        return t("No face in {seconds:.0f} s", seconds=seconds)
    return t(
        "{faces} in {seconds:.0f} s: {emotions} of the faces' time",
        faces=count(number, "{number} face", "{number} faces"),
        seconds=seconds,
        emotions=recognition.in_shares(shares(rows)),
    )


def title(name: str) -> str:
    """What a video is called on the page: a file's name, or the example's in the viewer's language."""
    return t(name) if name == _EXAMPLE else name


def _forget_button(film: Film) -> None:
    what = messages.plain(title(film.name))
    st.button(
        t("Remove {what}", what=what),
        key="forget_video",
        icon=":material/close:",
        on_click=lambda: visits.current().remove_film(),
    )
