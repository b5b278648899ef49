"""Comparison of the models: what to choose one by, all benchmark results, and one picture recognised by all models."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from facial_emotion import recognizers, scene
from facial_emotion.drawing import annotated
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.evaluation.advice import TEMPLATES
from facial_emotion.features.faces import as_allowed
from facial_emotion.records import BenchmarkRow
from facial_emotion.views import bars, charts, image, pictures, recognition, tables
from facial_emotion.views.language import t, translatable
from facial_emotion.views.sidebar import QUESTIONS, ViewerSettings

_MAIN = translatable(("model", "best at", "people's choice", "accuracy", "ms a frame", "MB", "commercial use"))
_PERCENTAGES = translatable(
    (
        *("people's choice", "clear faces", "accuracy", "without near-duplicates", "recall of disgust"),
        *("coverage", "accuracy when certain"),
    )
)
_FORMATS = {
    **dict.fromkeys(_PERCENTAGES, "%.1f%%"),
    **dict.fromkeys(("macro-F1", "ECE"), "%.3f"),
    **dict.fromkeys((charts.LATENCY, translatable("95th percentile, ms"), "ms a frame", "MB"), "%.1f"),
}
_MAIN_FORMATS = {"people's choice": "{:.1%}", "accuracy": "{:.1%}", "ms a frame": "{:.1f}", "MB": "{:.1f}"}
_EXPLAINED = translatable(
    {
        "best at": "Where no other model here is better, faster or smaller.",
        "people's choice": "Of the pictures where one of the seven emotions has the most votes of ten people (FER+), "
        "the share with that answer.",
        "clear faces": "The same where over half of the people agree.",
        "accuracy": "The share of pictures with FER2013's label, which a search engine was asked for.",
        "without near-duplicates": "Accuracy without pictures that are nearly in Training too.",
        "macro-F1": "The mean over the emotions of F1: rare ones count as much as common ones.",
        "ECE": "Expected calibration error: how far confidence and accuracy are apart on average.",
        "coverage": "The share of pictures that get an answer that is not uncertain.",
        "accuracy when certain": "Accuracy of those answers.",
        "ms a frame": "Median milliseconds from a 640 x 480 frame to its label, finding the face included.",
        charts.LATENCY: "Median from a face that is found to its label.",
        "MB": "Of the model's files.",
        "commercial use": "Whether no licence of what the model was made from excludes it.",
    }
)
_ASKED = {"people": translatable("What people would say:"), "fer2013": translatable("FER2013's label:")}
_CARD_WIDTH = 220  # pixels, of a model's answer
_EXCLUDED = "excludes commercial use"  # in a card's licence
# Code by the language or the place that it is for.
_SNIPPETS = {
    "Python": (
        'from facial_emotion import faces_in, load\n\nfaces = faces_in("portrait.jpg", load("{name}"))\n'
        "print([(face.label, face.confidence, face.box) for face in faces])"
    ),
    translatable("Command line"): "facial-emotion recognize portrait.jpg --model {name} --out results.csv",
    "HTTP": 'facial-emotion serve &\ncurl -F picture=@portrait.jpg "http://127.0.0.1:8000/recognize?model={name}"',
}


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title(t("Models compared"))
    try:
        rows, about = results.known()
    except InputError as error:
        st.warning(str(error))
        return
    frame = figures(rows)
    advise(about.get("advice", {}))
    name = choice(frame, settings.name)
    use(name, settings.name)
    machine = about["host"]
    st.caption(
        t(
            "{source}; {processor}, {threads} threads, batch 1.",
            source=about["accuracy_from"],
            processor=machine["processor"],
            threads=machine["threads"],
        )
    )
    with st.expander(t("All figures")):
        _table(frame)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("People's choice against latency"), anchor=False)
        agreement = frame.rename(columns={"people's choice": "agreement"})
        charts.draw(charts.agreement_against_latency(agreement), "scatter")
    with right:
        st.subheader(t("What {model} takes for what", model=name), anchor=False)
        counts = next((confusion(row) for row in rows if row.model == name), None)
        if counts is None:
            st.info(t("{model} has no benchmark results yet: run facial-emotion compare.", model=name))
        else:
            charts.draw(charts.confusion(counts), "confusion")
    st.divider()
    side_by_side(settings)


def advise(advice: dict[str, Any]) -> None:
    """Draw which model to take for each question. advice: by labels, as ``evaluation.benchmark.run`` gives it."""
    for labels, found in advice.items():
        words = " ".join(t(TEMPLATES[kind], **values) for kind, values in found["sentences"])
        st.markdown(f"**{t(_ASKED[labels])}** {words}")


def confusion(row: BenchmarkRow) -> list[list[int]]:
    """A model's confusion matrix (7, 7) on the labels that it answers with."""
    if row.people is not None and recognizers.card(row.model).labels == "people":
        return row.people.choice.confusion
    return row.scores.confusion


def figures(rows: list[BenchmarkRow]) -> pd.DataFrame:
    """The figures of each model, one row per model, by falling agreement with people."""
    frame = pd.DataFrame(
        {
            "model": row.model,
            "track": t(row.track),
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
            "ms a frame": row.latency["frame to label"].median_ms,
            "MB": row.size_mb,
            "commercial use": t("no") if _is_excluded(row.model) else t("yes"),
        }
        for row in rows
    ).sort_values("people's choice", ascending=False, ignore_index=True)
    frame.insert(1, "best at", badges(frame))
    return frame


def _is_excluded(name: str) -> bool:
    """Whether a licence excludes commercial use of a model."""
    return name in recognizers.names() and _EXCLUDED in recognizers.card(name).licence


def badges(frame: pd.DataFrame) -> pd.Series:
    """What each model is best at, as text; frame: as ``figures`` makes it."""
    best = {
        t("best people's choice"): frame["people's choice"] == frame["people's choice"].max(),
        t("best accuracy"): frame["accuracy"] == frame["accuracy"].max(),
        t("fastest"): frame["ms a frame"] == frame["ms a frame"].min(),
        t("smallest"): frame["MB"] == frame["MB"].min(),
    }
    texts = [", ".join(name for name, holds in best.items() if holds[row]) for row in range(len(frame))]
    return pd.Series(texts, index=frame.index)


def _table(frame: pd.DataFrame) -> None:
    """Draw a table of all figures, with explained headings, that can be sorted and searched."""
    shown = frame.assign(**{name: 100 * frame[name].astype(float) for name in _PERCENTAGES if name in frame})
    columns = {}
    for name in frame:
        explained = t(_EXPLAINED[name]) if name in _EXPLAINED else None
        columns[name] = st.column_config.Column(t(name), help=explained)
        if name in _FORMATS:
            columns[name] = st.column_config.NumberColumn(t(name), format=_FORMATS[name], help=explained)
    st.dataframe(shown, hide_index=True, height="content", key="results", column_config=columns)


def choice(frame: pd.DataFrame, used: str) -> str:
    """Draw the figures that models are chosen by; returns the model that is selected, at first the one in use."""
    st.html(tables.html(frame[list(_MAIN)], _MAIN_FORMATS, _EXPLAINED, "best at"))
    models = list(frame["model"])
    index = models.index(used) if used in models else 0
    return str(st.selectbox(t("In detail"), models, index=index, key="detail", width=300))


def use(name: str, used: str) -> None:
    """Draw what a model answers, the way to use it here, and how to use it elsewhere."""
    st.subheader(name, anchor=False)
    st.write(t(QUESTIONS[recognizers.card(name).labels]))
    st.button(
        t("{model} is in use", model=name) if name == used else t("Use {model} in this app", model=name),
        key="use",
        type="primary",
        disabled=name == used,
        on_click=lambda: st.session_state.update(model=name),
    )
    for tab, code in zip(st.tabs([t(name) for name in _SNIPPETS]), _SNIPPETS.values(), strict=True):
        # The colours of a language are too pale to read, and lines that scroll are out of reach of a keyboard.
        tab.code(code.format(name=name), language=None, wrap_lines=True)


def side_by_side(settings: ViewerSettings) -> None:
    """Draw one face of a picture with the probabilities of every model."""
    st.subheader(t("One picture, all models"), anchor=False)
    picture = pictures.choose("compare_picture")
    if picture is None:
        return
    faces, crops = scene.detect(picture.rgb, as_allowed(settings.search, picture.rgb))
    if not len(faces):
        st.warning(t(image.NO_FACE), icon=":material/person_off:")
        return
    index = 0
    if len(faces) > 1:
        looks = [(str(number), pictures.look(crop)) for number, crop in enumerate(crops, 1)]
        index = pictures.choose_by_look(t("Face"), looks, "compare_face")
    left, right = st.columns([2, 3], gap="medium")
    shown = scene.scaled(scene.classify(faces, crops, settings.recognizer), picture.scale)
    marked = index + 1 if len(faces) > 1 else None
    said = recognition.answer([recognition.Recognised(0, picture.name, shown)])
    rgb = annotated(pictures.shrunk(picture), shown, marked=marked)
    left.image(rgb, caption=pictures.title(picture.name), alt=said, width="stretch")
    with right, st.container(horizontal=True):
        for name in recognizers.names():
            (face,) = scene.classify(
                faces.take(slice(index, index + 1)), crops[index : index + 1], recognizers.load(name)
            )
            with st.container(border=True, width=_CARD_WIDTH, gap="small", key=f"card-{name}"):
                said = f"{recognition.emoji(face)} {t(face.label)} · {face.confidence:.0%}{recognition.uncertain(face)}"
                st.markdown(f"**{name}**  \n{said}")
                st.html(bars.html(face.probabilities, 3))
