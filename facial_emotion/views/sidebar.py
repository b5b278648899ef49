"""The sidebar of every page: model, face detection, display of landmarks, and language.

What is chosen is part of the page's address, so it holds across pages and reloads, and can be sent as a link. Each
widget also gets the session's value as its default (``_select``, ``_toggle``): on a change of pages the browser may
draw it anew, and then it shows the default, while the server, which was sent the value, takes it for known.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facial_emotion import examples, paths, recognizers
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.features.faces import DEFAULT, DETECTORS, SMALLEST, Search, find_faces
from facial_emotion.recognizers import Recognizer
from facial_emotion.records import Card
from facial_emotion.views import language
from facial_emotion.views.language import t, translatable

# The question that a model answers, by its labels.
QUESTIONS = {
    "fer2013": translatable("Answers with FER2013's labels: the emotion that a picture like this was searched for."),
    "people": translatable("Answers as people would: a probability is the share of ten people who would say so."),
    "balanced": translatable("Answers as people would, but no emotion is favoured for being common, as neutral is."),
}
# How far a detector's threshold is moved from its default, 0, to that of most faces, -1, or of the surest ones, 1.
SENSITIVITIES = translatable({"fewer, surer": 1.0, "fewer": 0.5, "normal": 0.0, "more": -0.5, "most": -1.0})
_AFTER = 1.5  # seconds after the first page was drawn, which the browser shows meanwhile, models begin to be loaded
# Settings by their keys in the session and in the page's address, where those that are not the default are.
_DEFAULTS = {"sensitivity": "normal", "detector": DEFAULT, "harder": False, "landmarks": False}
_OPTIONS: dict[str, Sequence[object]] = {
    "sensitivity": list(SENSITIVITIES),
    "detector": list(DETECTORS),
    "harder": [False, True],
    "landmarks": [False, True],
}


@dataclass(frozen=True)
class ViewerSettings:
    """The settings of a viewer. name: of the model; search: how faces are looked for, in pictures and in video."""

    name: str
    search: Search
    landmarks: bool

    @property
    def recognizer(self) -> Recognizer:
        """The selected model; loaded on first use, so that a page without pictures opens at once."""
        with st.spinner(t("Loading the model")):
            return recognizers.load(self.name)


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Load all models, the detector and the charts once, in a background thread, which is returned."""

    @st.cache_resource(show_spinner=False)  # it silences the spinners of cached functions, which need a page
    def load_all() -> None:
        time.sleep(_AFTER)
        importlib.import_module("facial_emotion.views.charts")
        find_faces(examples.portrait())
        names = recognizers.names()
        first = recognizers.default(names, latencies())
        for name in sorted(names, key=lambda name: name != first):
            with contextlib.suppress(InputError):  # reported to the viewer who selects the model
                recognizers.load(name).predict_proba(np.zeros((1, 48, 48), dtype=np.uint8))

    thread = threading.Thread(target=load_all, name="warm-up", daemon=True)
    thread.start()
    return thread


def latencies() -> dict[str, float]:
    """Milliseconds from crop to label by model, from the benchmark."""
    paths_of_results = [folder / results.FILE for folder in (paths.RESULTS, paths.NEW_RESULTS)]
    return _latencies(*(path.stat().st_mtime_ns if path.exists() else 0 for path in paths_of_results))


@functools.lru_cache(maxsize=1)
def _latencies(*changed: int) -> dict[str, float]:
    """The same, by when the files were changed: they are asked for at every click."""
    return results.latencies(results.known()[0])


def sidebar() -> ViewerSettings:
    """Draw the sidebar and return its settings."""
    names, milliseconds = recognizers.names(), latencies()
    defaults = {"model": recognizers.default(names, milliseconds), **_DEFAULTS}
    defaults[language.KEY] = language.of_browser()
    for key, options in {"model": names, **_OPTIONS}.items():
        _restore(key, options, defaults[key])
    with st.sidebar:
        name = _select(
            t("Model"),
            names,
            "model",
            help=t("All models were trained and evaluated on FER2013; the Compare page shows all figures."),
        )
        card = recognizers.card(name)
        st.caption(t(QUESTIONS[card.labels]))
        left, right = st.columns([6, 5])
        _accuracy(left, card)
        latency = f"{language.number(milliseconds[name], '.1f')} ms" if name in milliseconds else "-"
        right.metric(t("A face"), latency, help=t("Median of the benchmark, from a face's crop to its label."))
        st.caption(t("Track: {track}", track=t(card.track)))
        with st.expander(t("Licence")):
            st.caption(card.licence)
        st.divider()
        search = _search()
        landmarks = _toggle(t("Show landmarks"), "landmarks")
        _language()
    changed = {key: str(st.session_state[key]) for key, value in defaults.items() if st.session_state[key] != value}
    if st.query_params.to_dict() != changed:
        st.query_params.from_dict(changed)
    return ViewerSettings(name, search, landmarks)


def _restore(key: str, options: Sequence[object], default: object) -> None:
    """At a session's start, take a setting from the page's address if it is one of the options; else the default.

    So it is where the session's value is no option any more, as a model that was removed.
    """
    if st.session_state.get(key) not in options:
        named = {str(option): option for option in options}
        st.session_state[key] = named.get(st.query_params.get(key, ""), default)


def _select(label: str, options: list[str], key: str, **more: Any) -> str:
    """Draw a select box for a setting; the option that is chosen. key: of the setting; more: for ``st.selectbox``."""
    index = options.index(st.session_state[key])
    return str(st.selectbox(label, options, key=key, index=index, persist_state="session", **more))


def _toggle(label: str, key: str, **more: Any) -> bool:
    """Draw a switch for a setting; whether it is on. key: of the setting; more: for ``st.toggle``."""
    return bool(st.toggle(label, key=key, value=st.session_state[key], persist_state="session", **more))


def _accuracy(column: DeltaGenerator, card: Card) -> None:
    """Draw a model's accuracy against the labels that it answers with."""
    share = language.number(card.own("PrivateTest").accuracy, ".1%")
    rows = t("of PrivateTest, which was not used for training or model selection.")
    if card.labels != "fer2013":
        meaning = t("Pictures where most of ten people said the same, {rows}", rows=rows)
        column.metric(t("People's choice"), share, help=meaning)
    else:
        column.metric(t("Accuracy"), share, help=t("Pictures where FER2013's label is the same, {rows}", rows=rows))


def _language() -> None:
    """Draw the choice of the language."""
    _select(
        t("Language"),
        list(language.LANGUAGES),
        language.KEY,
        format_func=language.LANGUAGES.__getitem__,
        on_change=_hold,
        width=160,
    )


def _hold() -> None:
    """Send the amount of faces to the page again, which knows it by its name in the former language."""
    st.session_state["sensitivity"] = st.session_state["sensitivity"]


def _search() -> Search:
    """Draw the controls of face detection and return what they say."""
    amount = st.select_slider(
        t("Faces"),
        list(SENSITIVITIES),
        key="sensitivity",
        value=st.session_state["sensitivity"],
        persist_state="session",
        format_func=language.labels(SENSITIVITIES).__getitem__,
        help=t("With more faces, some may be none; with fewer, those that are left are surer."),
    )
    with st.expander(t("Face detection")):
        detector = _select(t("Detector"), list(DETECTORS), "detector")
        harder = _toggle(
            t("Search harder"),
            "harder",
            help=t("Also find faces down to {pixels} pixels, which takes longer.", pixels=SMALLEST),
        )
    return Search(detector, threshold_of(amount, detector), SMALLEST if harder else None)


def threshold_of(amount: str, detector: str) -> float:
    """The detector's threshold for an amount of faces, a key of SENSITIVITIES."""
    chosen, share = DETECTORS[detector], SENSITIVITIES[amount]
    return (
        chosen.threshold
        + max(share, 0) * (chosen.surest - chosen.threshold)
        + min(share, 0) * (chosen.threshold - chosen.most)
    )
