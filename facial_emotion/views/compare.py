"""The benchmark's results, and one picture through all models."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from facial_emotion import paths, recognizers, scene
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.features.faces import crop_faces, find_faces
from facial_emotion.views import charts, image
from facial_emotion.views.sidebar import Choice


def show(choice: Choice) -> None:
    """The page."""
    st.title("Models compared")
    try:
        found = results.read(paths.RESULTS)
    except InputError as error:
        st.warning(str(error))
        return
    st.caption(f"{found['accuracy_from']}; {found['host']['processor']}, {found['host']['threads']} threads, batch 1.")
    frame = figures(found["models"])
    shares = ["accuracy", "without near-duplicates", "recall of disgust", "certain", "right when certain"]
    st.dataframe(
        frame.assign(**{name: 100 * frame[name] for name in shares}),
        hide_index=True,
        key="results",
        column_config={name: st.column_config.NumberColumn(format="%.1f%%") for name in shares}
        | {name: st.column_config.NumberColumn(format="%.3f") for name in ("macro-F1", "ECE")}
        | {name: st.column_config.NumberColumn(format="%.1f") for name in ("ms", "p95 ms", "frame ms", "MB")},
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Accuracy against latency")
        st.altair_chart(charts.accuracy_against_latency(frame), width="stretch", key="scatter")
    with right:
        name = choice.name
        st.subheader(f"Confusion matrix of {name}")
        counts = next((row["scores"]["confusion"] for row in found["models"] if row["model"] == name), None)
        if counts is None:
            st.info(f"{name} has not been benchmarked yet: run python compare.py.")
        else:
            st.altair_chart(charts.confusion(counts), width="stretch", key="confusion")
    st.divider()
    side_by_side(choice)


def figures(rows: list[dict]) -> pd.DataFrame:
    """A line for each model with the figures that a choice hangs on."""
    return pd.DataFrame(
        {
            "model": row["model"],
            "track": row["track"],
            "accuracy": row["scores"]["accuracy"],
            "without near-duplicates": row["scores"]["accuracy_without_duplicates"],
            "macro-F1": row["scores"]["macro_f1"],
            "ECE": row["scores"]["ece"],
            "certain": row["scores"]["coverage"],
            "right when certain": row["scores"]["accuracy_when_certain"],
            "recall of disgust": row["scores"]["per_class"]["disgust"]["recall"],
            "ms": row["latency"]["crop to label"]["median_ms"],
            "p95 ms": row["latency"]["crop to label"]["p95_ms"],
            "frame ms": row["latency"]["frame to label"]["median_ms"],
            "MB": row["size_mb"],
        }
        for row in rows
    ).sort_values("accuracy", ascending=False)


def side_by_side(choice: Choice) -> None:
    """One picture through all models at once."""
    st.subheader("One picture, all models")
    picture = image.one_picture("compare_upload")
    if picture is None:
        return
    boxes = find_faces(picture.rgb, choice.threshold)
    if not len(boxes):
        st.warning(image.NO_FACE, icon=":material/person_off:")
        return
    crops = crop_faces(picture.rgb, boxes)
    numbers = range(1, len(boxes) + 1)
    number = st.selectbox("Face", numbers, key="compare_face") if len(boxes) > 1 else 1
    names = recognizers.names()
    for start in range(0, len(names), 3):
        for column, name in zip(st.columns(3), names[start : start + 3], strict=False):
            recognizer = recognizers.load(name)
            probabilities = recognizer.predict_proba(crops[number - 1][None])[0]
            face = scene.Face(number, boxes[number - 1], probabilities, crops[number - 1], recognizer.threshold)
            with column.container(border=True):
                st.markdown(f"**{name}** · {face.label} · {face.confidence:.0%}" + image.UNCERTAIN * (not face.certain))
                st.altair_chart(charts.bars(probabilities), width="stretch", key=f"all-{name}")
