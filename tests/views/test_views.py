"""Every page and control of the app, without a browser."""

from __future__ import annotations

import io
import itertools
import json
import re
import threading
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from facial_emotion import artifact, examples, paths, recognizers, scene
from facial_emotion.drawing import COLOURS
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DEFAULT_SEARCH, DETECTORS
from facial_emotion.views import image, live, sidebar
from facial_emotion.views.sidebar import QUESTIONS, SENSITIVITIES, threshold_of
from tests.video.test_stream import scripted

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
    assert [error.value.split(" could not be read")[0] for error in at.error] == [name for name, *_ in files]
    assert all(error.value.count(".") <= 4 for error in at.error)
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
    overview, faces = (table.value for table in at.dataframe)
    assert overview["file"].tolist() == [name for name, *_ in files]
    assert overview["answer"].tolist() == ["No face" if number == 7 else "1 face: 😀 happy" for number in range(25)]
    assert faces["file"].tolist() == [name for name, *_ in files if name != "7.png"]
    assert set(faces["model"]) == {at.selectbox(key="model").value}


def test_pictures_are_recognised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    monkeypatch.setattr(scene, "faces_in", lambda *_: pytest.fail("recognised again"))
    at.toggle(key="landmarks").set_value(True).run()
    assert not at.exception


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


def test_the_video_and_the_text_beside_it_have_the_same_label(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = itertools.chain([3, 3], itertools.repeat(5))
    monkeypatch.setattr(recognizers, "load", lambda name: scripted(name, answers))
    session = live.Session(sidebar.ViewerSettings("scripted", DEFAULT_SEARCH, False))
    session.stream.change(smoothing=0.0, hold=0.0)

    def colours() -> set[str]:
        """The emotions whose colours are in the picture."""
        frame = av.VideoFrame.from_ndarray(examples.frame(), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        session.process(frame)
        assert session.picture is not None
        found = session.picture.reshape(-1, 3)
        return {name for name in ("happy", "surprise") if (found == COLOURS[name]).all(axis=1).sum() > 200}

    assert colours() == {"happy"}
    assert [face.label for face in session.announce()] == ["happy"]
    for _ in range(3):
        assert colours() == {"happy"}  # although the model says surprise from the second on
    assert [face.label for face in session.announce()] == ["surprise"]
    assert colours() == {"surprise"}


def test_ice_servers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert live.ice_servers() == []
    monkeypatch.setenv("TURN_URL", "turn:example.org:3478")
    monkeypatch.setenv("TURN_USERNAME", "me")
    monkeypatch.setenv("TURN_CREDENTIAL", "secret")
    expected = {"urls": ["turn:example.org:3478"], "username": "me", "credential": "secret"}
    assert live.ice_servers() == [expected]


def test_a_video_is_analysed_and_summed_up() -> None:
    at = page("video")
    at.button(key="video example").click().run()
    assert not at.exception
    assert at.header[0].value.startswith("2 faces in 6 s: 😀 happy")
    assert "neutral" in at.header[0].value
    table = pd.read_csv(io.StringIO(at.session_state["video"].analysis.record.to_csv()))
    assert set(table["model"]) == {at.selectbox(key="model").value}
    assert table["seconds"].is_monotonic_increasing
    at.selectbox(key="model").set_value("lightgbm").run()
    assert "Analyse again by lightgbm" in [button.label for button in at.button]
    at.button(key="forget_video").click().run()
    assert not at.header


def test_what_is_no_video_is_refused_in_a_sentence() -> None:
    at = page("video")
    at.file_uploader(key="video_upload").set_value(("notes.mp4", b"not a video", "video/mp4")).run()
    assert not at.exception
    assert [error.value.split(".mp4")[0] for error in at.error] == ["notes"]
    assert "could not be read" in at.error[0].value


def test_compare_shows_every_model_on_one_picture() -> None:
    at = page("compare")
    advice = results.read(paths.RESULTS)[1]["advice"]
    for found in advice.values():  # the same words as the command's
        assert any(found["words"] in each.value for each in at.markdown)
    assert set(at.dataframe[0].value["model"]) <= set(recognizers.names())
    assert all(re.search(rf"\*\*{name}\*\*\s+\S+ happy", text(at)) for name in recognizers.names())


@pytest.mark.parametrize("name", ["lightgbm", "cnn"])
def test_explanations_of_every_kind_of_model(name: str) -> None:
    at = page("why")
    at.selectbox(key="model").set_value(name).run()
    at.selectbox(key="why_label").set_value("sad").run()
    assert not at.exception
    assert f"**{name}** gives *sad*" in text(at)
    assert ("speaks" in text(at)) == (name == "lightgbm")


def test_json_equals_the_table() -> None:
    faces = scene.faces_in(examples.portrait(), recognizers.load("lightgbm"))
    rows = json.loads(image.to_json(scene.table(faces)))
    assert [row["label"] for row in rows] == ["happy"]
    assert rows[0]["face"] == 1
