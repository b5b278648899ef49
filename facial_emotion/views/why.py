"""Explanations: the parts of a face that support or contradict an emotion."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st

from facial_emotion import explain, scene
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer
from facial_emotion.views import image, language, pictures, recognition, visits
from facial_emotion.views.language import t
from facial_emotion.views.sidebar import ViewerSettings

_SIDE = 384  # pixels, of an enlarged face
_FOR, _AGAINST = (220, 30, 30), (30, 60, 220)  # colours
_LEAST = 0.2  # of the strongest effect: parts with less are not named


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title(t("Why this emotion?"))
    chosen = pictures.choose()
    if chosen is None:
        return
    content, picture = chosen
    faces = recognition.detect(visits.current(), content, settings.search, lambda _: picture).recognised(settings.name)
    if not faces:
        st.warning(t(image.NO_FACE), icon=":material/person_off:")
        return
    index = 0
    if len(faces) > 1:
        looks = [(str(face.number), pictures.look(face.crop)) for face in faces]
        index = pictures.choose_by_look(t("Face"), looks, "why_face")
    face = faces[index]
    shown = picture.name, index, settings.name, language.current()
    if st.session_state.get("why_shown") != shown:  # another face, model or language: its own answer first
        st.session_state.update(why_shown=shown, why_label=face.label)
    called = language.labels(EMOTIONS).__getitem__
    label = st.selectbox(t("Emotion to explain"), EMOTIONS, key="why_label", width=300, format_func=called)
    st.write(
        t(
            "**{model}** gives *{emotion}* {probability:.0%}; most probable: *{label}*, {confidence:.0%}.",
            model=settings.name,
            emotion=t(label),
            probability=face.probabilities[EMOTIONS.index(label)],
            label=t(face.label),
            confidence=face.confidence,
        )
    )
    explain_face(settings.recognizer, face, label)


def explain_face(recognizer: Recognizer, face: scene.Face, label: str) -> None:
    """Draw the explanation of a label: in words, as heat maps, and by distances and angles."""
    heat = explain.occlusion(recognizer, face.crop, label)
    before = float(face.probabilities[EMOTIONS.index(label)])
    st.header(without(explain.without_parts(recognizer, face.crop, label), label, before), anchor=False)
    st.write(in_words(heat, label))
    columns = st.columns(3, gap="medium")
    with columns[0]:
        st.image(enlarged(face.crop), width="stretch", alt=t("The face"), caption=t("the face, as the model gets it"))
    with columns[1]:
        st.image(overlay(face.crop, heat), width="stretch", alt=in_words(heat, label))
        st.html(legend(label))
        st.caption(t("What speaks for and against it: each part was blurred, and all but it."))
    if not explain.has_descriptors(recognizer):
        return
    aligned, centres, effects = explain.descriptors(recognizer, face.crop, label)
    if len(effects):
        with columns[2]:
            spots = overlay(aligned, spread(centres, effects, aligned.shape[0]))
            alt = t("Descriptors for and against {emotion}", emotion=t(label))
            st.image(spots, width="stretch", alt=alt)
            st.html(legend(label))
            st.caption(t("What edges or texture around each point (descriptors) say, on the upright face."))
    components = explain.geometry(recognizer, face.crop, label)
    if components:
        st.header(t("Distances and angles that say most"), anchor=False)
        st.markdown("\n".join(f"- {describe(component)}" for component in components))
        usual = t("Lengths in distances between the eyes, angles in radians; the usual is the training set's median.")
        st.caption(usual)


def describe(component: explain.Component) -> str:
    """A geometry component as a phrase: what it is, beside what is usual, and whether it speaks for the label."""
    values = {
        "name": t(component.name),
        "value": component.value,
        "comparison": t("more") if component.value > component.median else t("less"),
        "median": component.median,
    }
    if component.effect > 0:
        return t("{name}: {value:.2f}, {comparison} than the usual {median:.2f}, speaks for it", **values)
    return t("{name}: {value:.2f}, {comparison} than the usual {median:.2f}, speaks against it", **values)


def without(probabilities: dict[str, float], label: str, before: float) -> str:
    """What the part that matters most does: "Without the mouth: happy 98% → 31%".

    probabilities: the label's probability without each part; before: with all of them.
    """
    part = max(probabilities, key=lambda name: abs(probabilities[name] - before))
    return t(
        "Without the {part}: {emotion} {before:.0%} → {after:.0%}",
        part=t(part),
        emotion=t(label),
        before=before,
        after=probabilities[part],
    )


def in_words(heat: np.ndarray, label: str) -> str:
    """What an occlusion map says: "For happy: mouth, nose. Against: brows"."""
    parts = explain.regions(heat)
    least = _LEAST * max(abs(effect) for effect in parts.values())
    speaking = ", ".join(t(name) for name, effect in parts.items() if effect >= least)
    against = ", ".join(t(name) for name, effect in reversed(parts.items()) if effect <= -least)
    emotion = t(label)
    if speaking:
        sentence = t("For {emotion}: {parts}.", emotion=emotion, parts=speaking)
    else:
        sentence = t("Nothing speaks for {emotion}.", emotion=emotion)
    return sentence + (" " + t("Against it: {parts}.", parts=against) if against else "")


def legend(label: str) -> str:
    """The colours of a map as HTML."""
    emotion = t(label)
    return (
        '<div style="font-size:.875rem"><div style="height:.6em;border-radius:2px;background:linear-gradient(90deg,'
        f'rgb{_AGAINST},#ddd,rgb{_FOR})"></div><div style="display:flex;justify-content:space-between">'
        f"<span>{t('against {emotion}', emotion=emotion)}</span><span>{t('for {emotion}', emotion=emotion)}</span>"
        "</div></div>"
    )


def spread(centres: np.ndarray, effects: np.ndarray, side: int) -> np.ndarray:
    """Smooth heat map, float32 (side, side), of effects (k,) at centres (k, 2)."""
    heat = np.zeros((side, side), dtype=np.float32)
    heat[centres[:, 1].round().astype(int), centres[:, 0].round().astype(int)] = effects
    return cv2.GaussianBlur(heat, (0, 0), 4)


def overlay(grey: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A grey face with a heat map over it, red above 0 and blue below: uint8 RGB (384, 384, 3)."""
    strength = heat / max(float(np.abs(heat).max()), 1e-6)
    strength = cv2.resize(strength, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)[..., None].clip(-1, 1)
    colour = np.where(strength > 0, np.array(_FOR, dtype=float), np.array(_AGAINST, dtype=float))
    weight = 0.6 * np.abs(strength)
    return np.rint(enlarged(grey)[..., None] * (1 - weight) + colour * weight).astype(np.uint8)


def enlarged(grey: np.ndarray) -> np.ndarray:
    """A grey face, enlarged for display: uint8 (384, 384)."""
    return cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
