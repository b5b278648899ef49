"""Recognition in pictures: uploads, pasted and single camera pictures, examples."""

from __future__ import annotations

import functools
import importlib
from collections import Counter
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facial_emotion import scene
from facial_emotion.drawing import annotated, blurred
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import Search
from facial_emotion.scene import Face
from facial_emotion.views import bars, downloads, language, messages, pictures, recognition, visits
from facial_emotion.views.app import page
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.recognition import Recognised
from facial_emotion.views.sidebar import ViewerSettings

NO_FACE = translatable(
    'No face was detected. Detection works best on faces that are evenly lit and not too small; "more" faces or '
    '"Search harder" in the sidebar may help.'
)
_CROP_SIDE = 72  # pixels, of a crop on the page
_BESIDE = 2  # faces, whose cards have room beside the picture
_HIGH = 400  # pixels, of a picture and of the list beside it, so that the answer is seen with them
CARD_WIDTH = 290  # pixels, of a face's card
_ALL, _NONE = translatable(("all", "no face"))  # what the list may be limited to, beside emotions


def show(settings: ViewerSettings) -> None:
    """Draw the page: the answer first, then the pictures, or a list of them and the one that is chosen there."""
    st.title(t("Emotions in a picture"))
    if not visits.current().pictures:
        st.write(
            t(
                "Give a picture of faces, and read what they express. It stays in the memory of this page's server, "
                "until you remove it or for an hour."
            )
        )
        pictures.inputs()
        return
    with st.expander(t("Other pictures"), icon=":material/add_photo_alternate:"):
        pictures.inputs()
    recognised = recognition.recognise_all(settings)
    show_errors(recognised)
    readable = [each for each in recognised if not each.error]
    if readable:
        st.header(recognition.answer(readable), anchor=False)
    left_out = len(visits.current().pictures) - len(recognised)
    if left_out:
        text = count(left_out, "{number} picture was not looked at.", "{number} pictures were not looked at.")
        st.button(
            f"{text} {t('Go on')}",
            on_click=recognition.go_on,
            args=(settings,),
            icon=":material/play_arrow:",
            key="go_on",
        )
    several = len(readable) > 1
    if several:
        place, beside = st.columns([3, 2], gap="medium")  # on a phone the picture is the first
        with beside:
            chosen = choose(readable)
        show_picture(chosen, settings, place, st.container())
    elif readable:
        few = len(readable[0].faces) <= _BESIDE
        left, right = st.columns([3, 2], gap="medium") if few else (st.container(), st.container())
        show_picture(readable[0], settings, left, right)
    if several or any(each.faces for each in readable):
        # With pandas and Altair, which take half a second: the first page opens without them.
        importlib.import_module("facial_emotion.views.study").show(readable, settings)
    pictures.forget()


def show_errors(recognised: Sequence[Recognised]) -> None:
    """Draw what could not be read: one line, which opens where there are several."""
    errors = [(each.name, each.error) for each in recognised if each.error is not None]
    if len(errors) == 1:
        st.error(messages.unreadable(*errors[0]), icon=":material/broken_image:")
    elif errors:
        with st.expander(t("{number} files could not be read", number=len(errors)), icon=":material/broken_image:"):
            st.markdown("\n".join(f"- {messages.unreadable(*each)}" for each in errors))


def choose(recognised: Sequence[Recognised]) -> Recognised:
    """Draw a list of pictures, limited to an emotion if asked; returns the one that is chosen there."""
    labels = Counter(label for each in recognised for label in _labels(each))
    options = [_ALL, *(name for name in (*EMOTIONS, _NONE) if labels[name])]
    named = {_ALL: t(_ALL), **{name: f"{recognition.EMOJI.get(name, '–')} {labels[name]}" for name in options[1:]}}
    asked = st.pills(
        t("Pictures with"), options, default=_ALL, format_func=named.__getitem__, key="with", persist_state="session"
    )
    listed = [each for each in recognised if asked in (None, _ALL) or asked in _labels(each)] or list(recognised)
    looks = visits.current().looks
    with st.container(height=_HIGH - 90, border=False, key="list"):
        contents = visits.current().pictures
        named_looks = [(_short(each), looks.get(contents[each.number], "")) for each in listed]
        return listed[pictures.choose_among([each.number for each in listed], t("Picture"), named_looks)]


def _labels(picture: Recognised) -> set[str]:
    return {face.label for face in picture.faces} or {_NONE}


def _short(picture: Recognised) -> str:
    """A picture's faces as emojis, and its name, cut if it is long."""
    name = pictures.title(picture.name)
    emojis = "".join(recognition.emoji(face) for face in picture.faces[:3]) or "–"
    return f"{emojis} {name if len(name) < 16 else name[:7] + '…' + name[-7:]}"


def show_picture(
    recognised: Recognised, settings: ViewerSettings, place: DeltaGenerator, cards: DeltaGenerator
) -> None:
    """Draw an annotated picture in a place, and the cards of its faces in another."""
    visit = visits.current()
    picture = pictures.read(*visit.pictures[recognised.number])
    marked = visit.marked.get(recognised.number)
    shown = scene.scaled(recognised.faces, picture.scale)
    with cards, st.container(horizontal=True):  # before the picture, which takes longer
        if not recognised.faces:
            st.warning(t(NO_FACE), icon=":material/person_off:")
        for face in recognised.faces:
            show_face(face, recognised.number, settings.search)
    with place:
        image, below = st.container(), st.container(horizontal=True)
        blur = bool(recognised.faces) and below.toggle(t("Blur faces"), key="blur", persist_state="session")
        rgb = blurred(pictures.shrunk(picture), shown) if blur else pictures.shrunk(picture)
        rgb = annotated(rgb, shown, landmarks=settings.landmarks and not blur, marked=marked, words=t)
        width = max(1, min(rgb.shape[1], round(_HIGH * rgb.shape[1] / rgb.shape[0])))
        caption = messages.plain(pictures.title(picture.name))
        image.image(rgb, caption=caption, alt=recognition.answer([recognised]), width=width)
        if recognised.faces:
            stem = picture.name.rsplit(".", 1)[0]
            encode = functools.partial(downloads.to_png, rgb)
            with below:
                downloads.button(t("Picture with labels"), encode, f"{stem}-faces.png", "image/png")


def show_face(face: Face, number: int, search: Search) -> None:
    """Draw a face's card: crop and most probable emotions, and ways to the rest.

    number: of the picture among the viewer's; search: by which the face was found.
    """
    visit = visits.current()
    corrected = visit.corrections.get((visit.pictures[number], search, face.number))
    marked = visit.marked.get(number) == face.number
    key = f"{number}-{face.number}"
    with st.container(border=True, width=CARD_WIDTH, gap="small", key=f"card-{key}"):
        st.markdown(
            f"{recognition.emoji(face)} **{face.number} · {t(face.label)}** · {face.confidence:.0%}"
            + recognition.uncertain(face)
            + (f" · :material/edit: **{t(corrected)}**" if corrected else "")
        )
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.image(face.crop, width=_CROP_SIDE, alt=t("Face {number}, as the model gets it", number=face.number))
            with st.container(width="stretch"):
                st.html(bars.html(face.probabilities, 3))
        with st.container(horizontal=True, gap="small"):
            with st.popover(t("All seven")):
                st.html(bars.html(face.probabilities))
            with st.popover(t("Wrong?")):
                _correct(number, face, search, corrected)
            st.button(
                t("Marked") if marked else t("Mark"),
                key=f"mark-{key}",
                help=t("Show this face in the picture."),
                type="primary" if marked else "secondary",
                on_click=visit.marked.update,
                args=({number: None if marked else face.number},),
            )
            if st.button(t("Why?"), key=f"why-{key}", help=t("What in this face speaks for the emotion.")):
                _explain(face)


def _correct(number: int, face: Face, search: Search, corrected: str | None) -> None:
    """Draw the choice of a face's right label, and keep it; corrected: the one that it has."""
    visit = visits.current()
    key = f"correct-{visit.times}-{number}-{search}-{face.number}"  # one for each face: widgets keep their values

    def keep() -> None:
        place = visit.pictures[number], search, face.number
        visit.corrections.pop(place, None)
        if st.session_state[key]:
            visit.corrections[place] = st.session_state[key]

    called = language.labels(EMOTIONS).__getitem__
    st.pills(t("Right is:"), EMOTIONS, default=corrected, format_func=called, key=key, on_change=keep)


def _explain(face: Face) -> None:
    """Go to the explanation of a face of the picture that is looked at."""
    st.session_state["why_face"] = face.number - 1
    st.switch_page(page("why"))
