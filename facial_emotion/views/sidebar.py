"""What holds on every page: which model, how eager the detector, and whether landmarks are shown."""

from __future__ import annotations

import contextlib
import importlib
import threading
from dataclasses import dataclass

import numpy as np
import streamlit as st

from facial_emotion import examples, paths, recognizers
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.features.faces import THRESHOLD, find_faces
from facial_emotion.recognizers import Recognizer


@dataclass(frozen=True)
class Choice:
    """What the viewer chose. name: of the model; threshold: detector score that a face must reach."""

    name: str
    threshold: float
    landmarks: bool

    @property
    def recognizer(self) -> Recognizer:
        """The chosen model; loaded when it is first needed, so that a page without pictures opens at once."""
        with st.spinner("Loading the model"):
            return recognizers.load(self.name)


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Do once, beside the pages, what a first picture or a first switch of model would wait for."""

    @st.cache_resource(show_spinner=False)  # a cached function in another shows no spinner, and here is no page for one
    def all_loaded() -> None:
        importlib.import_module("facial_emotion.views.charts")
        find_faces(examples.portrait())
        names = recognizers.names()
        first = recognizers.fastest_good(names, latencies())
        for name in sorted(names, key=lambda name: name != first):
            with contextlib.suppress(InputError):  # whoever chooses the model is told
                recognizers.load(name).predict_proba(np.zeros((1, 48, 48), dtype=np.uint8))

    thread = threading.Thread(target=all_loaded, name="warm-up", daemon=True)
    thread.start()
    return thread


def latencies() -> dict[str, float]:
    """Milliseconds from crop to label by model, as the last benchmark measured them."""
    return results.latencies(results.read(paths.RESULTS))


def sidebar() -> Choice:
    """Draw the sidebar and give back what is chosen in it."""
    names, spent = recognizers.names(), latencies()
    with st.sidebar:
        name = st.selectbox(
            "Model",
            names,
            index=names.index(recognizers.fastest_good(names, spent)),
            key="model",
            help="All models were trained and judged on FER2013; the Compare page has every figure.",
        )
        card = recognizers.card(name)
        figures = card["metrics"]["PrivateTest"]
        left, right = st.columns(2)
        left.metric("Accuracy", f"{figures['accuracy']:.1%}", help="On PrivateTest, which nothing was chosen on.")
        right.metric("A face takes", f"{spent[name]:.1f} ms" if name in spent else "-", help="Median of the benchmark.")
        st.caption(f"Track: {card['track']}")
        with st.expander("Licence"):
            st.caption(card["licence"])
        st.divider()
        eager = st.slider(
            "Detector sensitivity",
            0.0,
            1.0,
            0.5,
            0.05,
            key="sensitivity",
            help="Higher finds more faces, and more that are none.",
        )
        landmarks = st.toggle("Show landmarks", key="landmarks")
    return Choice(name, threshold_of(eager), landmarks)


def threshold_of(sensitivity: float) -> float:
    """Detector threshold of a sensitivity 0-1; a half is the tested default."""
    return THRESHOLD + (0.5 - sensitivity) * 1.2
