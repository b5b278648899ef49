"""Comparison of the models: what to choose one by, all benchmark results, and one picture recognised by all models."""

from __future__ import annotations

from collections.abc import Generator
from html import escape

import pandas as pd
import streamlit as st

from facial_emotion import examples, recognizers, scene
from facial_emotion.drawing import annotated
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.evaluation.advice import TEMPLATES
from facial_emotion.evaluation.timing import latency
from facial_emotion.records import BenchmarkRow, Json
from facial_emotion.views import bars, charts, figures, image, jobs, messages, pictures, recognition, tables, visits
from facial_emotion.views.jobs import Job
from facial_emotion.views.language import t, translatable
from facial_emotion.views.sidebar import ViewerSettings

_MAIN = translatable(
    (
        "model",
        "best at",
        "people's choice",
        "mean recall",
        "accuracy",
        "ms a face",
        "ms a frame",
        "MB",
        "commercial use",
    )
)
_PERCENTAGES = translatable(
    (
        *("people's choice", "clear faces", "accuracy", "without near-duplicates", "mean recall"),
        *("coverage", "accuracy when certain"),
    )
)
_FORMATS = {
    **dict.fromkeys(_PERCENTAGES, "%.1f%%"),
    **dict.fromkeys(("macro-F1", "ECE"), "%.3f"),
    **dict.fromkeys((charts.LATENCY, translatable("95th percentile, ms"), "ms a frame", "MB"), "%.1f"),
}
_MAIN_FORMATS = {
    **dict.fromkeys(("people's choice", "mean recall", "accuracy"), ".1%"),
    "ms a face": ".1f",
    "ms a frame": ".1f",
    "MB": ".1f",
}
_EXPLAINED = translatable(
    {
        "best at": "Where no other model here is better, faster or smaller.",
        "people's choice": "Of the pictures where one of the seven emotions has the most votes of ten people (FER+), "
        "the share with that answer.",
        "clear faces": "The same where over half of the people agree.",
        "accuracy": "The share of pictures with FER2013's label, which a search engine was asked for.",
        "without near-duplicates": "Accuracy without pictures that are nearly in Training too.",
        "mean recall": "The mean over the emotions of the share that is recognised, by the labels that the model "
        "answers with: rare emotions count as much as common ones.",
        "macro-F1": "The mean over the emotions of F1: rare ones count as much as common ones.",
        "ECE": "Expected calibration error: how far confidence and accuracy are apart on average.",
        "coverage": "The share of pictures that get an answer that is not uncertain.",
        "accuracy when certain": "Accuracy of those answers.",
        "ms a frame": "Median milliseconds from a 640 x 480 frame to its label, finding the face included.",
        charts.LATENCY: "Median milliseconds from a face that is found to its label, cropping not included.",
        "MB": "Of the model's files.",
        "commercial use": "Whether no licence of what the model was made from excludes it.",
    }
)
_ASKED = {
    "people": translatable("What people would say:"),
    "balanced": translatable("Rare emotions as likely as common ones:"),
    "fer2013": translatable("FER2013's label:"),
}
_CARES = {
    "people": "people's choice",
    "balanced": "mean recall",
    "fer2013": "accuracy",
}  # columns by the labels that a viewer cares about
_HARD, _CONDITION = translatable(("people's choice", "mean recall", "uncertain")), translatable("condition")
# As the benchmark of hard conditions names them.
HARD_CONDITIONS = translatable(
    (
        *("as it is", "dark", "blurred", "noisy", "32 pixels", "24 pixels", "16 pixels", "12 pixels", "JPEG 10"),
        *("turned by 20 degrees", "sunglasses", "mask", "hand", "black"),
    )
)
_MEASURED, _TIMING = "measured", "timing"  # in the session: ms a face by model, and the job that measures them
_ROUNDS = 30  # of each model's timing
_EXAMPLE = "video call"  # models differ on its first face
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
    """Draw the page: one recommendation for what is asked, then all figures, then one picture by all models."""
    st.title(t("Models compared"))
    try:
        rows, about = results.known()
        if not rows:
            raise InputError("results", "a benchmark of these models", "none", "facial-emotion compare")
    except InputError as error:
        st.warning(str(error))
        return
    measured: dict[str, float] = st.session_state.get(_MEASURED, {})
    if len(measured) < len(recognizers.names()):  # stopped: the times of two machines do not go together
        measured = {}
    frame = figures.table(rows, measured)
    left, right = st.columns([2, 3], gap="large")
    with left:
        answering = pick(frame, settings.name)
    with right:
        charts.draw(charts.agreement_against_latency(answering.rename(columns={_asked(): "agreement"})), "scatter")
        machine = about["host"]
        where = t("{processor}, {threads} threads", processor=machine["processor"], threads=machine["threads"])
        st.caption(
            t(
                "{source}; {processor}, batch 1.",
                source=about["accuracy_from"],
                processor=t("times of this machine") if measured else where,
            )
        )
        measure(bool(measured))
    table = tables.html(frame[list(_MAIN)], _MAIN_FORMATS, _EXPLAINED, "best at")
    # A keyboard reaches what scrolls.
    st.html(f'<div class="scroll" tabindex="0" role="region" aria-label="{t("All figures")}">{table}</div>')
    with st.expander(t("All figures")):
        advise(about.get("advice", {}))
        _table(frame)
    with st.expander(t("What a model takes for what")):
        mistakes(rows, settings.name)
    if (hard := results.conditions()) is not None:
        with st.expander(t("What a model can't see")):
            hard_conditions(hard, settings.name)
    side_by_side(settings)


def hard_conditions(hard: Json, used: str) -> None:
    """Draw how a model does on dark, blurred, small, turned and covered faces, at first the one in use."""
    models = list(hard["models"])
    name = st.selectbox(t("On faces that are hard to see"), models, index=models.index(used) if used in models else 0)
    rows = [
        {
            _CONDITION: t(condition),
            "": "",  # a row has no badges
            **{kind: own[key] for kind, key in zip(_HARD, ("accuracy", "mean_recall", "uncertain"), strict=True)},
        }
        for condition, own in hard["models"][name].items()
    ]
    st.html(tables.html(pd.DataFrame(rows), dict.fromkeys(_HARD, ".0%"), {}, ""))
    st.caption(t("By people's choice, on {rows} rows of {split}.", rows=hard["rows"], split=hard["split"]))


def _asked() -> str:
    """The column of what the viewer cares about."""
    return _CARES[st.session_state.get("cares", "people")]


def pick(frame: pd.DataFrame, used: str) -> pd.DataFrame:
    """Draw the questions that decide, and the model that answers them best; frame: as ``figures.table`` makes it.

    Returns the rows of the models that answer the question which the viewer cares about.
    """
    names = {"people": t("people's choice"), "balanced": t("rare emotions"), "fer2013": t("FER2013's labels")}
    st.segmented_control(
        t("I care about"), list(_CARES), default="people", format_func=names.__getitem__, key="cares", required=True
    )
    with st.container(horizontal=True):
        slowest = st.number_input(t("ms a face, at most"), 0.1, None, 10.0, 1.0, key="slowest", width=135)
        largest = st.number_input(t("MB, at most"), 0.1, None, 100.0, 5.0, key="largest", width=135)
        commercial = st.toggle(t("commercial use"), key="commercial")
    answering = frame[frame["labels"] == st.session_state["cares"]].dropna(subset=_asked())
    fits = answering[(answering[charts.LATENCY] <= slowest) & (answering["MB"] <= largest)]
    if commercial:
        fits = fits[fits["commercial use"] == t("yes")]
    if fits.empty:
        reason = t("No model is that fast and that small.")
        st.warning(reason if len(answering) else t("No model was judged by this question."))
        return answering
    best = fits.sort_values([_asked(), charts.LATENCY], ascending=[False, True]).iloc[0]
    name = str(best["model"])
    st.header(name, anchor=False)
    st.write(
        t(
            "{share:.1%} by this measure, {ms:.1f} ms a face, {mb:.1f} MB.",
            share=best[_asked()],
            ms=best[charts.LATENCY],
            mb=best["MB"],
        )
    )
    st.button(
        t("{model} is in use", model=name) if name == used else t("Use {model} in this app", model=name),
        key="use",
        type="primary",
        disabled=name == used,
        on_click=lambda: st.session_state.update(model=name),
    )
    with st.expander(t("Use it elsewhere")):
        tabs = st.tabs([t(name) for name in _SNIPPETS])
    for tab, code in zip(tabs, _SNIPPETS.values(), strict=True):
        # The colours of a language are too pale to read, and lines that scroll are out of reach of a keyboard.
        tab.code(code.format(name=name), language=None, wrap_lines=True)
    return answering


def measure(again: bool) -> None:
    """Draw the button that times every model on the app's own machine (again), and the timing at work."""
    if st.button(t("Measure again") if again else t("Measure on this machine"), icon=":material/timer:"):
        st.session_state[_MEASURED] = {}
        st.session_state[_TIMING] = Job(_time_all(st.session_state[_MEASURED]))
    job: Job | None = st.session_state.get(_TIMING)
    if job is not None:
        jobs.wait_for(job, lambda: t("Timing each model, from face to label"))
        del st.session_state[_TIMING]
        if job.error is not None:
            raise job.error
        st.rerun()


def _time_all(measured: dict[str, float]) -> Generator[float]:
    """Measure the median milliseconds from a face to its label of all models, into a dictionary by their names."""
    crops, names = examples.crops(), recognizers.names()
    for number, name in enumerate(names, 1):
        recognizer = recognizers.load(name)
        measured[name] = latency(recognizer, crops, _ROUNDS)["crop to label"].median_ms
        yield number / len(names)


def mistakes(rows: list[BenchmarkRow], used: str) -> None:
    """Draw a model's confusion matrix, at first that of the model in use."""
    models = [row.model for row in rows]
    name = st.selectbox(
        t("Mistakes of"), models, index=models.index(used) if used in models else 0, key="detail", width=300
    )
    charts.draw(charts.confusion(figures.confusion(next(row for row in rows if row.model == name))), "confusion")


def advise(advice: Json) -> None:
    """Draw which model to take for each question. advice: by labels, as ``evaluation.benchmark.run`` gives it."""
    for labels, found in advice.items():
        words = " ".join(t(TEMPLATES[kind], **values) for kind, values in found["sentences"])
        st.markdown(f"**{t(_ASKED[labels])}** {words}")


def _table(frame: pd.DataFrame) -> None:
    """Draw a table of all figures, with explained headings, that can be sorted and searched."""
    shown = frame.assign(**{name: 100 * frame[name].astype(float) for name in _PERCENTAGES if name in frame})
    columns = {}
    for name in frame:
        explained = t(_EXPLAINED[name]) if name in _EXPLAINED else None
        columns[name] = st.column_config.Column(t(name), help=explained)
        if name in _FORMATS:
            columns[name] = st.column_config.NumberColumn(t(name), format=_FORMATS[name], help=explained)
    st.dataframe(shown.drop(columns="labels"), hide_index=True, height="content", key="results", column_config=columns)


def side_by_side(settings: ViewerSettings) -> None:
    """Draw one face of a picture with the probabilities of every model."""
    st.header(t("One picture, all models"), anchor=False)
    chosen = pictures.choose(_EXAMPLE)
    if chosen is None:
        return
    content, picture = chosen
    detected = recognition.detect(visits.current(), content, settings.search, lambda _: picture)
    if not len(detected.faces):
        st.warning(t(image.NO_FACE), icon=":material/person_off:")
        return
    index = 0
    if len(detected.faces) > 1:
        looks = [(str(number), pictures.look(crop)) for number, crop in enumerate(detected.crops, 1)]
        index = pictures.choose_by_look(t("Face"), looks, "compare_face")
    left, right = st.columns([2, 3], gap="medium")
    shown = scene.scaled(detected.recognised(settings.name), picture.scale)
    marked = index + 1 if len(detected.faces) > 1 else None
    alt = recognition.answer([recognition.Recognised(0, picture.name, shown)])
    rgb = annotated(pictures.shrunk(picture), shown, marked=marked, words=t)
    left.image(rgb, caption=messages.plain(pictures.title(picture.name)), alt=alt, width="stretch")
    answers = {name: detected.recognised(name)[index] for name in recognizers.names()}
    right.html(f'<div class="answers">{"".join(_answer(name, face) for name, face in answers.items())}</div>')


def _answer(name: str, face: scene.Face) -> str:
    """A model's answer as a row of HTML: its name, the label, and the bar of its probabilities."""
    answer = f"{recognition.emoji(face)} {t(face.label)} {face.confidence:.0%}"
    return f"<b>{escape(name)}</b><span>{answer}</span>{bars.stacked(face.probabilities)}"
