"""The page of videos, without a browser."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from facial_emotion import examples
from facial_emotion.views import visits
from facial_emotion.views.video import Film
from tests.made import write_video
from tests.views.pages import ROOT, encoded, page, text


def finished(at: AppTest) -> AppTest:
    """A page when its job has ended."""
    film = visits._visits[at.session_state[visits.COOKIE]].film
    assert film is not None
    assert film.job.wait(60)
    return at.run()


def test_a_video_is_analysed_and_summed_up() -> None:
    at = page("video")
    at.button(key="video example").click().run()
    finished(at)
    assert not at.exception
    assert at.header[0].value.startswith("2 faces in 6 s: 😀 happy")
    assert "neutral" in at.header[0].value
    film = visits._visits[at.session_state[visits.COOKIE]].film
    assert isinstance(film, Film)
    table = pd.read_csv(io.StringIO(film.analysis.record.to_csv()))
    assert set(table["model"]) == {at.selectbox(key="model").value}
    assert table["seconds"].is_monotonic_increasing
    at.text_input(key="name-1").set_value("Ada").run()
    at.text_input(key="name-2").set_value("Ada").run()
    assert at.header[0].value.startswith("1 face in 6 s")
    at.selectbox(key="model").set_value("lightgbm").run()
    next(button for button in at.button if button.label == "Analyse again by lightgbm").click().run()
    finished(at)
    assert film.analysis.settings.recognizer.name == "lightgbm"
    at.button(key="forget_video").click().run()
    assert not at.header


def test_a_video_among_pictures_goes_to_its_own_page(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    write_video(film, 10)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    files = [("one.mp4", film.read_bytes(), "video/mp4"), ("two.mp4", b"....ftypisom", "video/mp4")]
    at.file_uploader(key="upload").set_value([*files, ("a.png", encoded(examples.portrait()), "image/png")]).run()
    assert not at.exception
    assert at.title[0].value == "Emotions in a video"
    assert "two.mp4 was left out" in text(at).replace("\\", "")
    assert [name for name, _ in visits._visits[at.session_state[visits.COOKIE]].pictures] == ["a.png"]


def test_what_is_no_video_is_refused_in_a_sentence() -> None:
    at = page("video")
    at.file_uploader(key="video_upload").set_value(("notes.mp4", b"not a video", "video/mp4")).run()
    assert not at.exception
    assert [error.value.replace("\\", "").split(".mp4")[0] for error in at.error] == ["notes"]
    assert "could not be read" in at.error[0].value
