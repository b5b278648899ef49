"""Comparison of the models: benchmark results, and one picture recognised by all models."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from facial_emotion import paths, recognizers, scene
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.records import BenchmarkRow
from facial_emotion.views import charts, image, pictures
from facial_emotion.views.sidebar import ViewerSettings

_PERCENTAGES = (
    *("people's choice", "clear faces", "accuracy", "without near-duplicates", "recall of disgust"),
    *("coverage", "accuracy when certain"),
)
_FORMATS = {
    **dict.fromkeys(_PERCENTAGES, "%.1f%%"),
    **dict.fromkeys(("macro-F1", "ECE"), "%.3f"),
    **dict.fromkeys((charts.LATENCY, "95th percentile, ms", "latency per frame, ms", "size, MB"), "%.1f"),
}


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title("Models compared")
    try:
        rows, about = results.read(paths.RESULTS)
    except InputError as error:
        st.warning(str(error))
        return
    st.caption(f"{about['accuracy_from']}; {about['host']['processor']}, {about['host']['threads']} threads, batch 1.")
    st.caption(
        "People's choice: of the pictures where one of the seven emotions has the most votes of ten people (FER+), the "
        "share with that answer; clear faces: where over half of the people agree. Accuracy and what follows it: "
        "against FER2013's labels. -ferplus models answer as people would, the others with FER2013's labels."
    )
    frame = figures(rows)
    st.dataframe(
        frame.assign(**{name: 100 * frame[name].astype(float) for name in _PERCENTAGES}),
        hide_index=True,
        key="results",
        column_config={name: st.column_config.NumberColumn(format=form) for name, form in _FORMATS.items()},
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Accuracy against latency")
        st.altair_chart(charts.accuracy_against_latency(frame), width="stretch", key="scatter")
    with right:
        name = settings.name
        st.subheader(f"Confusion matrix of {name}")
        counts = next((row.scores.confusion for row in rows if row.model == name), None)
        if counts is None:
            st.info(f"{name} has no benchmark results yet: run facial-emotion compare.")
        else:
            st.altair_chart(charts.confusion(counts), width="stretch", key="confusion")
    st.divider()
    side_by_side(settings)


def figures(rows: list[BenchmarkRow]) -> pd.DataFrame:
    """The main figures of each model, one row per model, by falling accuracy."""
    return pd.DataFrame(
        {
            "model": row.model,
            "track": row.track,
            "people's choice": row.people.choice.accuracy if row.people else None,
            "clear faces": row.people.clear.accuracy if row.people and row.people.clear else None,
            "accuracy": row.scores.accuracy,
            "without near-duplicates": row.scores.accuracy_without_duplicates,
            "macro-F1": row.scores.macro_f1,
            "ECE": row.scores.ece,
            "coverage": row.scores.coverage,
            "accuracy when certain": row.scores.accuracy_when_certain,
            "recall of disgust": row.scores.per_class["disgust"].recall,
            charts.LATENCY: row.latency["crop to label"].median_ms,
            "95th percentile, ms": row.latency["crop to label"].p95_ms,
            "latency per frame, ms": row.latency["frame to label"].median_ms,
            "size, MB": row.size_mb,
        }
        for row in rows
    ).sort_values("accuracy", ascending=False)


def side_by_side(settings: ViewerSettings) -> None:
    """Draw one face of a picture with the probabilities of every model."""
    st.subheader("One picture, all models")
    picture = pictures.choose("compare_picture")
    if picture is None:
        return
    faces, crops = scene.detect(picture.rgb, settings.search)
    if not len(faces):
        st.warning(image.NO_FACE, icon=":material/person_off:")
        return
    numbers = range(1, len(faces) + 1)
    number = st.selectbox("Face", numbers, key="compare_face") if len(faces) > 1 else 1
    selected = slice(number - 1, number)
    names = recognizers.names()
    for start in range(0, len(names), 3):
        for column, name in zip(st.columns(3), names[start : start + 3], strict=False):
            (face,) = scene.classify(faces.take(selected), crops[selected], recognizers.load(name))
            with column.container(border=True):
                st.markdown(f"**{name}** · {face.label} · {face.confidence:.0%}" + image.UNCERTAIN * (not face.certain))
                st.altair_chart(charts.bars(face.probabilities), width="stretch", key=f"all-{name}")
