"""The faces of a viewer's pictures: recognised once for each model and search, and said in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from facial_emotion import scene
from facial_emotion.errors import InputError
from facial_emotion.features.faces import as_allowed
from facial_emotion.scene import Face
from facial_emotion.views import language, pictures
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.pictures import Content
from facial_emotion.views.sidebar import ViewerSettings

EMOJI = {"happy": "😀", "neutral": "😐", "surprise": "😮", "sad": "😢", "angry": "😠", "fear": "😨", "disgust": "🤢"}
UNCERTAIN, _UNKNOWN = translatable("uncertain"), "?"  # fonts without emojis have it too
_KEPT = "recognised"  # in the session


@dataclass(frozen=True)
class Recognised:
    """A picture's faces. number: of the picture among the viewer's; thumbnail: a data URL; error: why it has none."""

    number: int
    name: str
    faces: list[Face] = field(default_factory=list)
    thumbnail: str = ""
    error: str = ""


def recognise(number: int, content: Content, settings: ViewerSettings) -> Recognised:
    """The faces of a picture, or what is wrong with it."""
    picture = pictures.read(*content)
    if isinstance(picture, str):
        return Recognised(number, content[0], error=picture)
    try:
        faces = scene.faces_in(picture.rgb, settings.recognizer, *as_allowed(settings.search, picture.rgb))
    except InputError as error:
        return Recognised(number, picture.name, error=f"{picture.name}: {error}")
    return Recognised(number, picture.name, faces, pictures.look(picture.rgb))


def recognise_all(settings: ViewerSettings) -> list[Recognised]:
    """The faces of the viewer's pictures; those that are known already are not recognised again.

    In another language they are, since errors are sentences.
    """
    contents = pictures.kept()
    before: dict[object, Recognised] = st.session_state.get(_KEPT, {})
    found: dict[object, Recognised] = {}
    missing = st.empty()
    for number, content in enumerate(contents):
        key = (number, *content, settings.name, settings.search, language.current())
        if key not in before and len(contents) > 1:
            done = t("{number} of {pictures}: {name}", number=number + 1, pictures=len(contents), name=content[0])
            missing.progress(number / len(contents), done)
        found[key] = before[key] if key in before else recognise(number, content, settings)
    missing.empty()
    st.session_state[_KEPT] = found
    return list(found.values())


def emoji(face: Face) -> str:
    """A face's emotion as an emoji."""
    return EMOJI[face.label] if face.certain else _UNKNOWN


def uncertain(face: Face) -> str:
    """What is added to an answer that is not certain; empty for others."""
    return "" if face.certain else f" · {t(UNCERTAIN)}"


def answer(found: Sequence[Recognised]) -> str:
    """What was found, in a sentence: "5 faces: 😀 4 happy, 😐 1 neutral"."""
    labels = Counter(face.label if face.certain else UNCERTAIN for each in found for face in each.faces)
    number = labels.total()
    faces = count(number, "{number} face", "{number} faces") if number else t("No face")
    if len(found) > 1:
        faces = t("{faces} in {pictures} pictures", faces=faces, pictures=len(found))
    parts = []
    for label, times in labels.most_common():
        said = t(label) if number == 1 else t("{times} {emotion}", times=times, emotion=t(label))
        parts.append(f"{EMOJI.get(label, _UNKNOWN)} {said}")
    return f"{faces}: {', '.join(parts)}" if parts else faces
