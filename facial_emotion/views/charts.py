"""Altair charts of the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facial_emotion.drawing import HEX
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.video.record import shares
from facial_emotion.views.language import t, translatable

_GAP = 1.0  # seconds without a face that end a bar of the timeline
_SHORTEST = 0.05  # seconds, of a bar that can be seen
LATENCY = translatable("ms a face")  # a column of benchmark tables
_LEGEND = alt.Legend(orient="bottom", title=None, columns=3)  # three words fit a phone
_TEXT = {"light": "#45474f", "dark": "#d5d5d5"}  # by theme; a contrast of at least 4.5
_TRACKS = {"classical": "#d55e00", "deep": "#0072b2", "ensemble": "#009e73"}  # colours


def draw(chart: alt.Chart | alt.LayerChart, key: str, place: DeltaGenerator | None = None) -> None:
    """Draw a chart with text that can be read in the viewer's theme, as wide as its place, by default the page."""
    (st if place is None else place).altair_chart(_themed(chart), width="stretch", key=key)


def _themed(chart: Any) -> Any:
    """A chart whose text can be read in the viewer's theme."""
    colour = text_colour()
    if colour is None:
        return chart
    return chart.configure_axis(labelColor=colour, titleColor=colour).configure_legend(labelColor=colour)


class Span(NamedTuple):
    """A bar of the timeline: a face's number, and the seconds from which and to which it shows an emotion."""

    face: int
    start: float
    end: float


def selected(chart: alt.Chart, key: str) -> Span | None:
    """Draw a timeline; returns the bar that was clicked, if any."""
    moment = alt.selection_point(name="moment", fields=list(Span._fields))
    opacity = alt.condition(moment, alt.value(1.0), alt.value(0.45))
    chart = chart.add_params(moment).encode(opacity=opacity)
    state = st.altair_chart(_themed(chart), width="stretch", key=key, on_select="rerun")
    bars = state["selection"].get("moment", [])
    return Span(int(bars[0]["face"]), float(bars[0]["start"]), float(bars[0]["end"])) if bars else None


def text_colour() -> str | None:
    """The colour of text in a chart, in the viewer's theme; None where it is not known yet."""
    return _TEXT.get(st.context.theme.type or "")


def colours() -> alt.Scale:
    """The colours of the emotions, by their names in the viewer's language."""
    return alt.Scale(domain=names(), range=[HEX[name] for name in EMOTIONS])


def names() -> list[str]:
    """The emotions in the viewer's language."""
    return [t(name) for name in EMOTIONS]


def over_time(history: list[tuple[float, int, np.ndarray]], face: int) -> alt.Chart:
    """Line chart of one face's probabilities over the last 30 seconds.

    history: time in seconds, face number and probabilities (7,), oldest first.
    """
    rows = [(seconds, *map(float, probabilities)) for seconds, number, probabilities in history if number == face]
    frame = pd.DataFrame(rows, columns=["seconds", *names()])
    if len(frame):
        frame["seconds"] -= history[-1][0]
    melted = frame.melt("seconds", var_name="emotion", value_name="probability")
    result: alt.Chart = (
        alt.Chart(melted)
        .mark_line()
        .encode(
            x=alt.X("seconds", scale=alt.Scale(domain=[-30, 0]), title=t("seconds ago")),
            y=alt.Y("probability", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"), title=None),
            color=alt.Color("emotion", scale=colours(), legend=_LEGEND),
        )
        .properties(height=240)
    )
    return result


def timeline(rows: np.ndarray, stills: Mapping[float, str], called: Callable[[int], str]) -> alt.Chart:
    """Bars of the emotions of each face over a video, with the fields of ``Span``; a tooltip shows the moment.

    rows: of a record; stills: data URLs of small pictures by their seconds; called: what a face is called.
    """
    spans = []
    for face in np.unique(rows["face"]).tolist():
        of_face = rows[rows["face"] == face]
        new = (np.diff(of_face["emotion"]) != 0) | (np.diff(of_face["seconds"]) > _GAP)
        starts, ends = np.r_[0, np.flatnonzero(new) + 1], np.r_[np.flatnonzero(new), len(of_face) - 1]
        for start, end in zip(of_face[starts], of_face[ends], strict=True):
            middle = (start["seconds"] + end["seconds"]) / 2
            still = stills[min(stills, key=lambda seconds: abs(seconds - middle))] if stills else ""
            span = float(start["seconds"]), float(max(end["seconds"], start["seconds"] + _SHORTEST))
            spans.append((face, called(face), t(EMOTIONS[start["emotion"]]), *span, still))
    frame = pd.DataFrame(spans, columns=["face", "called", "emotion", "start", "end", "image"])
    result: alt.Chart = (
        alt.Chart(frame)
        .mark_bar(height=18)
        .encode(
            x=alt.X("start", title=t("seconds"), axis=alt.Axis(tickCount=8)),
            x2="end",
            y=alt.Y("called", title=None, sort=frame["called"].drop_duplicates().tolist()),
            color=alt.Color("emotion", scale=colours(), legend=_LEGEND),
            tooltip=[
                alt.Tooltip("called", title=t("face")),
                alt.Tooltip("emotion", title=t("emotion")),
                alt.Tooltip("start", title=t("from"), format=".1f"),
                alt.Tooltip("end", title=t("to"), format=".1f"),
                "image",  # by this name a tooltip shows a picture
            ],
        )
        .properties(height=alt.Step(30))
    )
    return result


def time_shares(rows: np.ndarray, called: Callable[[int], str]) -> alt.Chart:
    """Bars of the share of its time that each face shows each emotion; arguments as of ``timeline``."""
    frame = pd.DataFrame(
        [
            (called(face), t(name), share)
            for face in np.unique(rows["face"]).tolist()
            for name, share in shares(rows[rows["face"] == face]).items()
        ],
        columns=["face", "emotion", "share"],
    )
    result: alt.Chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X(
                "share",
                stack="zero",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%"),
                title=t("share of time"),
            ),
            y=alt.Y("face", title=None, sort=frame["face"].drop_duplicates().tolist()),
            color=alt.Color("emotion", scale=colours(), legend=None),
            tooltip=[
                alt.Tooltip("face", title=t("face")),
                alt.Tooltip("emotion", title=t("emotion")),
                alt.Tooltip("share", title=t("share"), format=".0%"),
            ],
        )
        .properties(height=alt.Step(30))
    )
    return result


def distribution(frame: pd.DataFrame) -> alt.LayerChart:
    """Bars of the share of each emotion in each group, with intervals; frame: as ``study.distribution`` makes it."""
    groups = frame["group"].nunique()
    base = alt.Chart(frame.assign(emotion=frame["emotion"].map(t))).encode(
        x=alt.X("emotion", sort=names(), title=None, axis=alt.Axis(labelAngle=0)),
        tooltip=[
            *([alt.Tooltip("group", title=t("group"))] if groups > 1 else []),
            alt.Tooltip("emotion", title=t("emotion")),
            alt.Tooltip("share", title=t("share"), format=".0%"),
            alt.Tooltip("faces", title=t("faces")),
        ],
    )
    if groups > 1:
        base = base.encode(xOffset="group")
    bars = base.mark_bar().encode(
        y=alt.Y("share", axis=alt.Axis(format="%"), title=t("share of faces")),
        color=alt.Color("emotion", scale=colours(), legend=None),
        opacity=alt.Opacity(
            "group",
            scale=alt.Scale(range=[0.4, 1]),
            legend=alt.Legend(orient="bottom", title=None, symbolFillColor=text_colour() or "gray"),
        )
        if groups > 1
        else alt.value(1.0),
    )
    intervals = base.mark_rule(color=text_colour() or "gray").encode(y="low", y2="high")
    return (bars + intervals).properties(height=220)


def confusion(counts: list[list[int]]) -> alt.LayerChart:
    """Confusion matrix from counts (7, 7), normalised per row; rows are labels."""
    emotions = names()
    shares = np.array(counts) / np.maximum(np.array(counts).sum(axis=1, keepdims=True), 1)
    frame = pd.DataFrame(
        [
            (emotions[label], emotions[answer], shares[label, answer], counts[label][answer])
            for label in range(len(EMOTIONS))
            for answer in range(len(EMOTIONS))
        ],
        columns=["label", "answer", "share", "rows"],
    )
    base = alt.Chart(frame).encode(
        x=alt.X("answer", sort=emotions, title=t("recognised as"), axis=alt.Axis(labelAngle=-40, labelOverlap=False)),
        y=alt.Y("label", sort=emotions, title=t("label")),
        tooltip=[
            alt.Tooltip("label", title=t("label")),
            alt.Tooltip("answer", title=t("answer")),
            alt.Tooltip("share", title=t("share"), format=".1%"),
            alt.Tooltip("rows", title=t("rows")),
        ],
    )
    cells = base.mark_rect().encode(
        color=alt.Color("share", scale=alt.Scale(scheme="blues", domain=[0, 1]), legend=None)
    )
    labels = base.mark_text().encode(
        text=alt.Text("share", format=".0%"),
        color=alt.condition("datum.share > 0.75", alt.value("white"), alt.value("black")),
    )
    return (cells + labels).properties(height=380)


def agreement_against_latency(frame: pd.DataFrame) -> alt.LayerChart:
    """Scatter plot of models. frame: columns model, track, agreement (0-1), latency per face (LATENCY)."""
    base = alt.Chart(frame).encode(
        x=alt.X(LATENCY, title=t(LATENCY), scale=alt.Scale(type="log", nice=False, padding=60)),
        y=alt.Y("agreement", title=None, scale=alt.Scale(zero=False, padding=20), axis=alt.Axis(format=".0%")),
        tooltip=[
            alt.Tooltip("model", title=t("model")),
            alt.Tooltip("track", title=t("track")),
            alt.Tooltip("agreement", title=t("agreement"), format=".1%"),
            alt.Tooltip(LATENCY, title=t(LATENCY), format=".1f"),
        ],
    )
    points = base.mark_circle(size=140).encode(
        color=alt.Color(
            "track",
            scale=alt.Scale(domain=[t(track) for track in _TRACKS], range=list(_TRACKS.values())),
            legend=_LEGEND,
        )
    )
    result: alt.LayerChart = (
        (points + base.mark_text(dy=-14, color=text_colour() or "gray").encode(text="model"))
        .properties(height=340)
        .interactive()
    )
    return result
