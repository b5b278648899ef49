"""Every page and control of the app, without a browser."""

from __future__ import annotations

import re
import threading
import tomllib
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from facial_emotion import artifact, examples, limits, paths, recognizers, scene
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.features.faces import DETECTORS
from facial_emotion.views import game, live, sidebar
from facial_emotion.views.sidebar import QUESTIONS, SENSITIVITIES, threshold_of
from tests.views.pages import PAGES, ROOT, page, text


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


def test_the_sidebar_switches_models_and_describes_them() -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    assert at.selectbox(key="model").options == recognizers.names()
    for name in recognizers.names():
        at.selectbox(key="model").set_value(name).run()
        assert not at.exception
        card = recognizers.card(name)
        own = card.metrics["PrivateTest"] if card.labels == "fer2013" else card.people["PrivateTest"].choice
        assert at.metric[0].value == f"{own.accuracy:.1%}"
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
    at.button_group(key="place").set_value("server").run()
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


def test_compare_shows_every_model_on_one_picture() -> None:
    at = page("compare")
    advice = results.read(paths.RESULTS)[1]["advice"]
    for found in advice.values():  # the same words as the command's
        assert any(found["words"] in each.value for each in at.markdown)
    assert set(at.dataframe[0].value["model"]) <= set(recognizers.names())
    (listed,) = (each.proto.body for each in at.get("html") if 'class="answers"' in each.proto.body)
    answers = [re.search(rf"<b>{name}</b><span>\S+ (\w+) ", listed) for name in recognizers.names()]
    assert all(answers)
    hard = next(each for each in at.selectbox if each.label == "On faces that are hard to see")
    assert {*hard.options} == {name for name in recognizers.names() if name.startswith(("cnn-", "svm-", "ensemble-"))}
    assert any("sunglasses" in each.proto.body for each in at.get("html"))
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
