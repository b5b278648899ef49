"""What many pictures say together: emotions by group, the table of all faces, corrections, and a study to download."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence

import pandas as pd
import streamlit as st

import facial_emotion
from facial_emotion import recognizers, scene
from facial_emotion.drawing import HEX
from facial_emotion.errors import shown
from facial_emotion.evaluation.scores import accuracy_interval
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DETECTORS
from facial_emotion.views import charts, downloads, pictures, visits
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.recognition import Recognised
from facial_emotion.views.sidebar import ViewerSettings

_QUESTIONS = {
    "people": translatable("what most of ten people would say"),
    "balanced": translatable("what people would say, without favour for emotions that are common in FER2013"),
    "fer2013": translatable("FER2013's labels"),
}

_DETECTORS = {"centerface": "CenterFace (Xu et al., 2019)", "dlib": "dlib's HOG detector (King, 2009)"}
_REFERENCES = """\
Goodfellow, I. J., et al. (2013). Challenges in representation learning: A report on three machine learning contests. \
arXiv:1307.0414.
Barsoum, E., et al. (2016). Training deep networks for facial expression recognition with crowd-sourced label \
distribution. arXiv:1608.01041.
Xu, Y., et al. (2019). CenterFace: Joint face detection and alignment using face as point. arXiv:1911.03599.
King, D. E. (2009). Dlib-ml: A machine learning toolkit. Journal of Machine Learning Research 10.
"""


def show(recognised: Sequence[Recognised], settings: ViewerSettings) -> None:
    """Draw what pictures say together, the table of all their faces, and the downloads."""
    table = table_of(recognised, settings)
    faces = table.dropna(subset="face")
    _say_corrected(faces)
    if len(recognised) > 1 and len(faces):
        with st.expander(t("Emotions by group"), expanded=True, icon=":material/bar_chart:"):
            charts.draw(charts.distribution(distribution(table)), "distribution")
            st.caption(t("Shares of the faces, uncertain ones too, with the interval of 95 % that so few leave."))
    with st.expander(count(len(faces), "The face as a table", "All {number} faces as a table")):
        st.dataframe(table, hide_index=True, key="faces", on_select=lambda: _select(table), selection_mode="single-row")
    stem = recognised[0].name.rsplit(".", 1)[0] if len(recognised) == 1 else "emotions"
    with st.container(horizontal=True):
        downloads.button("CSV", table.to_csv(index=False), f"{stem}.csv", "text/csv")
        downloads.button("JSON", to_json(table), f"{stem}.json", "application/json")
        if len(recognised) > 1 and len(faces):
            downloads.button(t("My study"), lambda: study(table, settings), "study.zip", "application/zip")


def table_of(recognised: Sequence[Recognised], settings: ViewerSettings) -> pd.DataFrame:
    """One row for each face of all pictures, and one for a picture without a face.

    Columns: file, its folder as group, model, what ``scene.table`` has, in the file's own pixels, and the viewer's
    correction.
    """
    visit = visits.current()
    tables = []
    for each in recognised:
        faces = scene.table(each.faces)
        content = visit.pictures[each.number]
        faces["corrected"] = [visit.corrections.get((content, settings.search, face.number), "") for face in each.faces]
        if not each.faces:
            faces = pd.DataFrame(index=[0], columns=faces.columns)
        folder, _, _ = each.name.replace("\\", "/").rpartition("/")
        place = {"picture": each.number, "file": shown(each.name), "group": shown(folder), "model": settings.name}
        tables.append(faces.assign(**place))
    table = pd.concat([each.dropna(axis="columns", how="all") for each in tables], ignore_index=True)
    of_faces = [name for name in scene.table([]) if name in table or name == "face"]
    table = table.set_index("picture").reindex(columns=["file", "group", "model", *of_faces, "corrected"])
    return table.astype({"face": "Int64"})


def to_json(table: pd.DataFrame) -> str:
    """A table as a JSON list of objects, one per row."""
    return json.dumps(json.loads(table.to_json(orient="records")), indent=1, ensure_ascii=False)


def distribution(table: pd.DataFrame) -> pd.DataFrame:
    """The share of each emotion in each group: columns group, emotion, faces, share, low, high (95 %, Wilson)."""
    faces = table.dropna(subset="face")
    labels = faces["corrected"].where(faces["corrected"].fillna("") != "", faces["label"])
    rows = []
    for group, of_group in labels.groupby(faces["group"].fillna("")):
        for name in EMOTIONS:
            number = int((of_group == name).sum())
            interval = accuracy_interval(number, len(of_group))
            rows.append((group, name, number, number / len(of_group), *interval))
    return pd.DataFrame(rows, columns=["group", "emotion", "faces", "share", "low", "high"])


def _say_corrected(faces: pd.DataFrame) -> None:
    """Draw how many answers are right by the viewer's corrections, if there are any."""
    corrections = faces["corrected"].fillna("")
    if not (corrections != "").any():
        return
    right = int(((corrections == "") | (corrections == faces["label"])).sum())
    low, high = accuracy_interval(right, len(faces))
    st.info(
        t(
            "If all other answers are right, {right} of {faces} are: {share:.0%}, with an interval of 95 % from "
            "{low:.0%} to {high:.0%}. For other models: `facial-emotion compare --pictures`.",
            right=right,
            faces=len(faces),
            share=right / len(faces),
            low=low,
            high=high,
        ),
        icon=":material/fact_check:",
    )


def _select(table: pd.DataFrame) -> None:
    """Show the picture whose row was selected."""
    rows = st.session_state["faces"]["selection"]["rows"]
    if rows:
        st.session_state[pictures.CHOSEN] = int(table.index[rows[0]])


def study(table: pd.DataFrame, settings: ViewerSettings) -> bytes:
    """A zip archive of the table for Excel and as CSV, the shares with a plot as SVG and PNG, and the methods."""
    shares, files = distribution(table), io.BytesIO()
    book = io.BytesIO()
    with pd.ExcelWriter(book, engine="xlsxwriter") as writer:
        table.to_excel(writer, sheet_name="faces", index=False)
        shares.to_excel(writer, sheet_name="shares", index=False)
    with zipfile.ZipFile(files, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("study.xlsx", book.getvalue())
        archive.writestr("faces.csv", table.to_csv(index=False))
        archive.writestr("shares.csv", shares.to_csv(index=False))
        for form in ("svg", "png"):
            archive.writestr(f"shares.{form}", _plot(shares, form))
        archive.writestr("methods.txt", methods(table, settings))
    return files.getvalue()


def _plot(shares: pd.DataFrame, form: str) -> bytes:
    """The shares of the emotions in each group as a picture in a format, with intervals."""
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(shares["group"]))
    figure = Figure(figsize=(7, 1 + 2 * len(groups)), layout="constrained")
    for axes, group in zip(figure.subplots(len(groups), squeeze=False)[:, 0], groups, strict=True):
        rows = shares[shares["group"] == group]
        errors = [rows["share"] - rows["low"], rows["high"] - rows["share"]]
        names = [t(name) for name in rows["emotion"]]
        axes.bar(names, 100 * rows["share"], yerr=[100 * each for each in errors], capsize=3, color=list(HEX.values()))
        axes.set(ylabel=t("% of faces"), title=f"{group} ({rows['faces'].sum()})" if group else "")
    stream = io.BytesIO()
    figure.savefig(stream, format=form, dpi=150)
    return stream.getvalue()


def methods(table: pd.DataFrame, settings: ViewerSettings) -> str:
    """A paragraph for a paper's section of methods, with what to cite."""
    card, search = recognizers.card(settings.name), settings.search
    scores = card.own("PrivateTest")
    paragraph = t(
        "Faces were looked for by {detector} (threshold {least:.2f}) in {pictures} pictures; {faces} were found. Their "
        "expressions were classified as one of seven emotions by the model {model} of facial-emotion {version}, which "
        "answers with {question}. On FER2013's PrivateTest (Goodfellow et al., 2013) its accuracy by these labels is "
        "{accuracy:.1%} (macro-F1 {f1:.3f}). An answer below the confidence of {threshold:.2f} counts as uncertain. "
        "Intervals are Wilson's, of 95 %. {corrected} labels were corrected by hand. An expression is not a feeling: "
        "the labels say what a face looks like.",
        detector=_DETECTORS[search.detector],
        least=DETECTORS[search.detector].threshold if search.threshold is None else search.threshold,
        pictures=table.index.nunique(),
        faces=int(table["face"].notna().sum()),
        model=card.name,
        version=facial_emotion.__version__,
        question=t(_QUESTIONS[card.labels]),
        accuracy=scores.accuracy,
        f1=scores.macro_f1,
        threshold=card.threshold,
        corrected=int((table["corrected"].fillna("") != "").sum()),
    )
    return f"{paragraph}\n\n{_REFERENCES}Facial emotion recognition, version {facial_emotion.__version__}.\n"
