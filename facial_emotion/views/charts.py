"""Charts that several pages draw."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from facial_emotion.drawing import HEX
from facial_emotion.features.emotions import EMOTIONS

COLOURS = alt.Scale(domain=list(EMOTIONS), range=[HEX[name] for name in EMOTIONS])


def bars(probabilities: np.ndarray) -> alt.LayerChart:
    """The seven probabilities (7,) of a face, as labelled bars."""
    frame = pd.DataFrame({"emotion": EMOTIONS, "probability": probabilities.astype(float)})
    base = alt.Chart(frame).encode(
        y=alt.Y("emotion", sort=list(EMOTIONS), title=None),
        x=alt.X("probability", scale=alt.Scale(domain=[0, 1.15]), axis=None),
        tooltip=["emotion", alt.Tooltip("probability", format=".1%")],
    )
    shown = base.mark_bar().encode(color=alt.Color("emotion", scale=COLOURS, legend=None))
    written = base.mark_text(align="left", dx=4, color="gray").encode(text=alt.Text("probability", format=".0%"))
    return (shown + written).properties(height=190)


def over_time(history: list[tuple[float, int, np.ndarray]], face: int) -> alt.Chart:
    """The seven probabilities of one face over the last seconds, as lines."""
    rows = [(seconds, *map(float, shares)) for seconds, number, shares in history if number == face]
    frame = pd.DataFrame(rows, columns=["seconds", *EMOTIONS])
    if len(frame):
        frame["seconds"] -= history[-1][0]
    long = frame.melt("seconds", var_name="emotion", value_name="probability")
    return (
        alt.Chart(long)
        .mark_line()
        .encode(
            x=alt.X("seconds", scale=alt.Scale(domain=[-30, 0]), title="seconds ago"),
            y=alt.Y("probability", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"), title=None),
            color=alt.Color("emotion", scale=COLOURS, legend=alt.Legend(orient="bottom", title=None, columns=3)),
        )
        .properties(height=260)
    )


def confusion(counts: list[list[int]]) -> alt.LayerChart:
    """A confusion matrix (7, 7), each row in shares of its label."""
    shares = np.array(counts) / np.maximum(np.array(counts).sum(axis=1, keepdims=True), 1)
    frame = pd.DataFrame(
        [
            (EMOTIONS[label], EMOTIONS[answer], shares[label, answer], counts[label][answer])
            for label in range(len(EMOTIONS))
            for answer in range(len(EMOTIONS))
        ],
        columns=["label", "answer", "share", "rows"],
    )
    base = alt.Chart(frame).encode(
        x=alt.X(
            "answer", sort=list(EMOTIONS), title="recognised as", axis=alt.Axis(labelAngle=-40, labelOverlap=False)
        ),
        y=alt.Y("label", sort=list(EMOTIONS), title="labelled"),
        tooltip=["label", "answer", alt.Tooltip("share", format=".1%"), "rows"],
    )
    cells = base.mark_rect().encode(
        color=alt.Color("share", scale=alt.Scale(scheme="blues", domain=[0, 1]), legend=None)
    )
    written = base.mark_text().encode(
        text=alt.Text("share", format=".0%"),
        color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value("black")),
    )
    return (cells + written).properties(height=380)


def accuracy_against_latency(frame: pd.DataFrame) -> alt.LayerChart:
    """Models as points; columns model, track, accuracy (0-1) and ms."""
    base = alt.Chart(frame).encode(
        x=alt.X("ms", scale=alt.Scale(type="log", nice=False, padding=40), title="milliseconds from crop to label"),
        y=alt.Y("accuracy", scale=alt.Scale(zero=False, padding=20), axis=alt.Axis(format=".0%")),
        tooltip=["model", "track", alt.Tooltip("accuracy", format=".1%"), alt.Tooltip("ms", format=".1f")],
    )
    points = base.mark_circle(size=140).encode(color=alt.Color("track", legend=alt.Legend(orient="bottom", title=None)))
    return (points + base.mark_text(dy=-14, color="gray").encode(text="model")).properties(height=340).interactive()
