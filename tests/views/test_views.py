"""Every page and control of the app, without a browser."""

from __future__ import annotations

import io
import json
import re
import threading
import time
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from facial_emotion import artifact, examples, limits, paths, recognizers, scene
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DEFAULT_SEARCH, DETECTORS
from facial_emotion.views import game, image, live, recognition, sidebar, study, visits
from facial_emotion.views.sidebar import QUESTIONS, SENSITIVITIES, threshold_of
from facial_emotion.views.video import Film
from tests.made import write_video

ROOT = Path(__file__).parent.parent.parent
PAGES = ("image", "live", "video", "compare", "why", "about")
SCRIPT = """
from facial_emotion.views import {0} as page
from facial_emotion.views.sidebar import sidebar
page.show(sidebar())
"""


def page(name: str, run: bool = True) -> AppTest:
    at = AppTest.from_string(SCRIPT.format(name), default_timeout=120)
    return at.run() if run else at


def encoded(rgb: np.ndarray, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, form)
    return stream.getvalue()


SETTINGS = sidebar.ViewerSettings("cnn", DEFAULT_SEARCH, False)


def pills(at: AppTest, label: str) -> Any:
    """The first choice of pills with a label."""
    return next(each for each in at.button_group if each.label == label)


def text(at: AppTest) -> str:
    """All text on a page but titles and tables."""
    return "\n".join(element.value for element in [*at.markdown, *at.warning, *at.error, *at.info, *at.caption])


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens(name: str) -> None:
    at = page(name)
    assert not at.exception
    assert len(at.title) == 1


def test_the_app_opens_with_the_image_page() -> None:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert not at.exception
    assert at.title[0].value == "Emotions in a picture"


def test_the_app_loads_every_model_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_resource.clear()
    app = ROOT / "app.py"
    AppTest.from_file(str(app), default_timeout=120).run()
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join(60)
    monkeypatch.setattr(artifact, "read_model", lambda folder, card: pytest.fail(f"{folder} was not loaded"))
    for name in recognizers.names():
        assert recognizers.load(name).name == name


def test_a_broken_model_does_not_prevent_others_from_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_resource.clear()
    load, broken, loaded = recognizers.load, "lightgbm", set[str]()

    def load_others(name: str, *arguments: Any) -> recognizers.Recognizer:
        if name == broken:
            raise InputError(name, "a valid model", "a broken one")
        loaded.add(name)
        return load(name, *arguments)

    monkeypatch.setattr(recognizers, "load", load_others)
    sidebar.warm_up().join(60)
    assert {*recognizers.names()} - {broken} <= loaded


def test_the_example_shows_one_happy_face() -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    assert not at.exception
    table = at.dataframe[0].value
    assert table[["face", "label"]].to_numpy().tolist() == [[1, "happy"]]
    assert "**1 · happy**" in text(at)


def test_faces_are_numbered_from_left_to_right() -> None:
    portrait = examples.portrait()[:300]
    at = page("image")
    at.file_uploader(key="upload").set_value(
        ("two.png", encoded(np.concatenate([portrait, portrait], axis=1)), "image/png")
    )
    table = at.run().dataframe[0].value
    assert table["face"].tolist() == [1, 2]
    assert table["left"].is_monotonic_increasing
    np.testing.assert_allclose(table[list(EMOTIONS)].sum(axis=1), 1, atol=1e-3)


def test_a_file_of_several_pages_is_a_picture_for_each() -> None:
    stream = io.BytesIO()
    blank, face = (Image.fromarray(rgb) for rgb in (np.full((300, 400, 3), 120, np.uint8), examples.portrait()))
    blank.save(stream, "TIFF", save_all=True, append_images=[face])
    at = page("image")
    at.file_uploader(key="upload").set_value(("scan.tif", stream.getvalue(), "image/tiff"))
    assert set(at.run().dataframe[0].value["file"]) == {"scan.tif (1)", "scan.tif (2)"}


def test_a_picture_without_a_face_gets_advice() -> None:
    at = page("image")
    wall = np.full((300, 400, 3), 120, dtype=np.uint8)
    at.file_uploader(key="upload").set_value(("wall.png", encoded(wall), "image/png")).run()
    assert [warning.value for warning in at.warning] == [image.NO_FACE]
    assert not at.dataframe


def invalid_files() -> dict[str, bytes]:
    """Contents by name: empty, text, truncated, a decompression bomb, and SVG."""
    portrait = examples.portrait()
    jpeg = encoded(portrait, "JPEG")
    bomb = io.BytesIO()
    Image.new("L", (20_000, 20_000)).save(bomb, "PNG")
    return {
        "empty.jpg": b"",
        "text.jpg": b"not a picture",
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "bomb.png": bomb.getvalue(),
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }


def test_invalid_files_are_reported_and_others_are_recognised() -> None:
    files = [(name, content, "image/jpeg") for name, content in invalid_files().items()]
    at = page("image")
    at.file_uploader(key="upload").set_value([*files, ("good.png", encoded(examples.portrait()), "image/png")]).run()
    assert not at.exception
    (listed,) = (each.value for each in at.markdown if "could not be read" in each.value)
    lines = [line.replace("\\", "") for line in listed.splitlines()]
    assert lines == [
        "- empty.jpg could not be read: it is empty.",
        "- text.jpg could not be read: it is not a picture of a kind that is known here, or is damaged.",
        "- cut.jpg could not be read: it is damaged, or was cut off.",
        "- bomb.png could not be read: it is too large to be looked through.",
        "- drawing.svg could not be read: it is not a picture of a kind that is known here, or is damaged.",
    ]
    assert at.dataframe[0].value["label"].tolist() == ["happy"]


def test_common_picture_formats() -> None:
    portrait = examples.portrait()
    frames = [Image.fromarray(portrait), Image.fromarray(portrait[::-1])]
    gif = io.BytesIO()
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:])
    cmyk = io.BytesIO()
    Image.fromarray(portrait).convert("CMYK").save(cmyk, "JPEG")
    large = np.asarray(Image.fromarray(portrait).resize((7100, 7100)))  # 50 megapixels
    at = page("image")
    at.file_uploader(key="upload").set_value(
        [
            ("a.gif", gif.getvalue(), "image/gif"),
            ("b.jpg", cmyk.getvalue(), "image/jpeg"),
            ("c.jpg", encoded(large, "JPEG"), "image/jpeg"),
            ("d.webp", encoded(portrait, "WEBP"), "image/webp"),
            ("e.bmp", encoded(portrait, "BMP"), "image/bmp"),
        ]
    ).run()
    assert not at.exception
    assert not at.error
    assert at.header[0].value == "5 faces in 5 pictures: 😀 5 happy"
    assert at.dataframe[0].value["file"].tolist() == ["a.gif", "b.jpg", "c.jpg", "d.webp", "e.bmp"]


def test_many_pictures_have_one_answer_one_table_and_one_list() -> None:
    small = examples.portrait()[:256, 100:356]
    wall = np.full((100, 100, 3), 120, dtype=np.uint8)
    files = [(f"{number}.png", encoded(wall if number == 7 else small), "image/png") for number in range(25)]
    at = page("image")
    at.file_uploader(key="upload").set_value(files).run()
    assert not at.exception
    assert at.header[0].value == "24 faces in 25 pictures: 😀 24 happy"
    faces = at.dataframe[0].value
    assert faces["file"].tolist() == [name for name, *_ in files]
    assert faces["label"].isna().tolist() == [name == "7.png" for name, *_ in files]
    assert set(faces["model"]) == {at.selectbox(key="model").value}


def test_a_face_is_corrected_and_a_study_downloaded() -> None:
    at = page("image")
    small = examples.portrait()[:256, 100:356]
    files = [(f"{group}/{number}.png", encoded(small), "image/png") for group in "ab" for number in range(2)]
    at.file_uploader(key="upload").set_value(files).run()
    pills(at, "Right is:").set_value("sad").run()
    assert not at.exception
    table = at.dataframe[0].value
    assert table["group"].tolist() == ["a", "a", "b", "b"]
    assert table["corrected"].tolist() == ["sad", "", "", ""]
    assert "3 of 4 are: 75%" in text(at)
    archive = zipfile.ZipFile(io.BytesIO(study.study(table, SETTINGS)))
    assert {*archive.namelist()} == {
        *("study.xlsx", "faces.csv", "shares.csv", "shares.svg", "shares.png", "methods.txt")
    }
    assert "in 4 pictures; 4 were found" in archive.read("methods.txt").decode()
    shares = pd.read_csv(io.BytesIO(archive.read("shares.csv"))).set_index(["group", "emotion"])
    assert shares.loc[("a", "sad"), "share"] == 0.5
    assert shares.loc[("b", "happy"), "share"] == 1


def test_pictures_are_recognised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    monkeypatch.setattr(recognition, "find_faces", lambda *_: pytest.fail("looked for again"))
    at.toggle(key="landmarks").set_value(True).run()
    at.selectbox(key="model").set_value("lightgbm").run()
    assert not at.exception
    assert at.dataframe[0].value["model"].tolist() == ["lightgbm"]


def test_the_sidebar_switches_models_and_describes_them() -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    assert at.selectbox(key="model").options == recognizers.names()
    for name in recognizers.names():
        at.selectbox(key="model").set_value(name).run()
        assert not at.exception
        card = recognizers.card(name)
        by_people = card.labels == "people"
        scores = card.people["PrivateTest"].choice if by_people else card.metrics["PrivateTest"]
        assert at.metric[0].value == f"{scores.accuracy:.1%}"
        assert QUESTIONS[card.labels] in text(at)
        assert f"Track: {card.track}" in text(at)
        assert at.dataframe[0].value["label"].tolist() == ["happy"]


def test_landmarks_and_sensitivity_controls() -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    at.toggle(key="landmarks").set_value(True).run()
    assert not at.exception
    for detector in DETECTORS:
        at.selectbox(key="detector").set_value(detector).run()
        for amount in SENSITIVITIES:
            at.select_slider(key="sensitivity").set_value(amount).run()
            assert not at.exception
            assert len(at.dataframe[0].value) >= 1  # false positives are possible
    at.toggle(key="harder").set_value(True).run()
    assert not at.exception


@pytest.mark.parametrize("detector", DETECTORS)
def test_sensitivities_are_thresholds_in_order_around_the_default(detector: str) -> None:
    thresholds = [threshold_of(amount, detector) for amount in SENSITIVITIES]
    assert thresholds == sorted(thresholds, reverse=True)
    assert threshold_of("normal", detector) == DETECTORS[detector].threshold
    assert (thresholds[0], thresholds[-1]) == pytest.approx((DETECTORS[detector].surest, DETECTORS[detector].most))


def test_the_live_page_shows_help_and_takes_single_pictures(no_webrtc: SimpleNamespace) -> None:
    at = page("live")
    assert live.OPERATORS in text(at)
    at.slider(key="smoothing").set_value(1.0).run()
    at.toggle(key="single").set_value(True).run()
    assert not at.exception
    no_webrtc.state.playing = True
    at.run()
    assert "Waiting for the first frame." in text(at)
    at.session_state["session"].last_frame -= live.FRAME_TIMEOUT + 1
    assert [warning.value for warning in at.run().warning] == [live.HELP]


def test_the_game_keeps_a_face_of_each_emotion_that_was_held() -> None:
    played, face = game.Game(), scene.faces_in(examples.portrait(), recognizers.load("lightgbm"))[0]
    for seconds in (0.0, 0.3, 0.4, 0.6):
        played.see([face], seconds)
        assert [*played.found] == (["happy"] if seconds > 0.5 else [])
    assert game.strip(played.found).shape == (172, 7 * 144, 3)


def test_the_limit_of_an_upload_is_one() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["maxUploadSize"] == limits.UPLOAD


def test_ice_servers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert live.ice_servers() == []
    monkeypatch.setenv("TURN_URL", "turn:example.org:3478")
    monkeypatch.setenv("TURN_USERNAME", "me")
    monkeypatch.setenv("TURN_CREDENTIAL", "secret")
    expected = {"urls": ["turn:example.org:3478"], "username": "me", "credential": "secret"}
    assert live.ice_servers() == [expected]


def test_a_correction_belongs_to_a_face_and_not_to_its_number() -> None:
    at = page("image")
    at.button(key="example video call").click().run()
    pills(at, "Right is:").set_value("fear").run()
    assert at.dataframe[0].value["corrected"].tolist() == ["fear", *[""] * 8]
    at.selectbox(key="detector").set_value("dlib").run()
    assert set(at.dataframe[0].value["corrected"]) == {""}
    at.selectbox(key="detector").set_value("centerface").run()
    assert at.dataframe[0].value["corrected"].tolist() == ["fear", *[""] * 8]
    at.button(key="mark-0-1").click().run()
    at.button(key="example astronaut").click().run()
    assert at.dataframe[0].value["corrected"].tolist() == [""]
    assert pills(at, "Right is:").value is None
    assert at.button(key="mark-0-1").label == "Mark"


def test_a_job_that_failed_is_said_and_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    at = page("image")
    with monkeypatch.context() as patch:
        patch.setattr(recognition, "find_faces", lambda: None)  # it takes arguments
        at.button(key="example astronaut").click().run()
        assert len(at.exception) == 1
    assert at.run().header[0].value == "1 face: 😀 happy"


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


def test_what_a_viewer_gave_is_found_again_and_forgotten_after_an_hour() -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    assert visits.COOKIE not in at.query_params, "an address may be sent to others"
    key = at.session_state[visits.COOKIE]
    other = page("image", run=False)
    other.session_state[visits.COOKIE] = key
    assert other.run().header[0].value == "1 face: 😀 happy"
    visits.forget(time.monotonic() + visits.KEPT + 1)
    other = page("image", run=False)
    other.session_state[visits.COOKIE] = key
    assert not other.run().header


def test_what_is_no_video_is_refused_in_a_sentence() -> None:
    at = page("video")
    at.file_uploader(key="video_upload").set_value(("notes.mp4", b"not a video", "video/mp4")).run()
    assert not at.exception
    assert [error.value.replace("\\", "").split(".mp4")[0] for error in at.error] == ["notes"]
    assert "could not be read" in at.error[0].value


def test_compare_shows_every_model_on_one_picture() -> None:
    at = page("compare")
    advice = results.read(paths.RESULTS)[1]["advice"]
    for found in advice.values():  # the same words as the command's
        assert any(found["words"] in each.value for each in at.markdown)
    assert set(at.dataframe[0].value["model"]) <= set(recognizers.names())
    (listed,) = (each.proto.body for each in at.get("html") if "answers" in each.proto.body)
    answers = [re.search(rf"<b>{name}</b><span>\S+ (\w+) ", listed) for name in recognizers.names()]
    assert all(answers)
    assert len({answer[1] for answer in answers if answer}) > 1, "the example is one on which models differ"


def test_the_recommendation_follows_what_is_asked() -> None:
    at = page("compare")
    names = {at.header[0].value}
    at.number_input(key="slowest").set_value(1000.0).run()
    names.add(at.header[0].value)
    at.number_input(key="slowest").set_value(2.0).run()
    at.button_group(key="cares").set_value("fer2013").run()
    names.add(at.header[0].value)
    assert len(names) == 3
    at.number_input(key="largest").set_value(0.1).run()
    assert "No model is that fast and that small." in text(at)


@pytest.mark.parametrize("name", ["lightgbm", "cnn"])
def test_explanations_of_every_kind_of_model(name: str) -> None:
    at = page("why")
    at.selectbox(key="model").set_value(name).run()
    at.selectbox(key="why_label").set_value("sad").run()
    assert not at.exception
    assert f"**{name}** gives *sad*" in text(at)
    assert ("than the usual" in text(at)) == (name == "lightgbm")


def test_json_equals_the_table() -> None:
    faces = scene.faces_in(examples.portrait(), recognizers.load("lightgbm"))
    rows = json.loads(study.to_json(scene.table(faces)))
    assert [row["label"] for row in rows] == ["happy"]
    assert rows[0]["face"] == 1
