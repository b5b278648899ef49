"""Live recognition in the visitor's own browser: the page of facial_emotion.web in a frame of the app."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from facial_emotion import __version__, paths
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.video.people import People
from facial_emotion.video.record import Record, shares
from facial_emotion.views import charts, downloads, people, recognition
from facial_emotion.views.language import current, t
from facial_emotion.views.sidebar import ViewerSettings
from facial_emotion.web import site

_NUMBERS = 16  # of a row: seconds, face, box, detection, seven probabilities, label, certain; then the model's name


def show(settings: ViewerSettings) -> None:
    """Draw the page and, where the visitor handed rows over, what they say."""
    own = site.models()
    model = settings.name if settings.name in own else own[0]
    if model != settings.name:
        names = ", ".join(own)
        st.caption(t("A browser computes {names}; for {name}, choose the server.", names=names, name=settings.name))
    value = _component()(language=current(), model=model, key="live_here", default=None)
    if value is not None:
        try:
            record = to_record(value)
        except InputError as error:
            st.error(str(error))
            return
        if len(record):
            summary(record)


def to_record(value: list[list[Any]]) -> Record:
    """A record of the rows that the page hands over. Raises InputError for anything else."""
    record = Record(start=0.0)
    try:
        rows = np.array([row[:_NUMBERS] for row in value], dtype=np.float64).reshape(-1, _NUMBERS)
        models = [str(row[_NUMBERS]) for row in value]
    except (LookupError, TypeError, ValueError) as error:
        raise InputError("rows", f"{_NUMBERS} numbers and a model's name each", str(error)[:80]) from error
    if (
        not np.isfinite(rows).all()
        or (np.abs(rows) > 1e9).any()
        or not np.isin(rows[:, 14], range(len(EMOTIONS))).all()
    ):
        raise InputError("rows", "finite numbers, and labels of the seven emotions", "others")
    for row, model in zip(rows, models, strict=True):
        box = tuple(row[2:6].astype(int))
        record.add_row(row[0], model, int(row[1]), box, row[6], tuple(row[7:14]), int(row[14]), bool(row[15]))
    return record


def summary(record: Record) -> None:
    """Draw what a video had: its rows to download, and its emotions by their shares of the time and over it."""
    rows = record.rows
    called = functools.partial(people.called, People())
    st.header(recognition.in_shares(shares(rows)), anchor=False)
    st.caption(t("Shares of the time with a face."))
    rows_text = t("Download results ({rows:,} rows) as CSV", rows=len(rows))
    downloads.button(rows_text, lambda: record.to_csv().encode(), "emotions.csv", "text/csv")
    charts.draw(charts.time_shares(rows, called), "time_shares")
    charts.draw(charts.timeline(rows, {}, called), "timeline")


@st.cache_resource(show_spinner=False)
def _component() -> Callable[..., Any]:
    """The page as a component; its files are written into the cache, as Streamlit serves folders alone."""
    from streamlit.components.v1 import declare_component

    folder = paths.CACHE / "web" / __version__
    site.write(folder, overwrite=True)
    return declare_component("facial_emotion_live", path=str(folder))
