"""Explanations: the parts of a face that support or contradict an emotion."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st

from facial_emotion import explain, scene
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer
from facial_emotion.views import image, pictures
from facial_emotion.views.sidebar import ViewerSettings

_SIDE = 384  # pixels, of an enlarged face
_FOR, _AGAINST = (220, 30, 30), (30, 60, 220)  # colours
_LEAST = 0.2  # of the strongest effect: parts with less are not named


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title("Why this emotion?")
    picture = pictures.choose("why_picture")
    if picture is None:
        return
    faces = scene.faces_in(picture.rgb, settings.recognizer, *settings.search)
    if not faces:
        st.warning(image.NO_FACE, icon=":material/person_off:")
        return
    index = 0
    if len(faces) > 1:
        looks = [(str(face.number), pictures.look(face.crop)) for face in faces]
        index = pictures.choose_by_look("Face", looks, "why_face")
    face = faces[index]
    shown = picture.name, index, settings.name
    if st.session_state.get("why_shown") != shown:  # another face or model: its own answer is explained first
        st.session_state.update(why_shown=shown, why_label=face.label)
    label = st.selectbox("Emotion to explain", EMOTIONS, key="why_label", width=300)
    probability = face.probabilities[EMOTIONS.index(label)]
    most_probable = f"most probable: *{face.label}*, {face.confidence:.0%}"
    st.write(f"**{settings.name}** gives *{label}* {probability:.0%}; {most_probable}.")
    explain_face(settings.recognizer, face, label)


def explain_face(recognizer: Recognizer, face: scene.Face, label: str) -> None:
    """Draw the explanation of a label: in words, as heat maps, and by distances and angles."""
    heat = explain.occlusion(recognizer, face.crop, label)
    st.subheader(in_words(heat, label), anchor=False)
    columns = st.columns(3, gap="medium")
    with columns[0]:
        st.image(enlarged(face.crop), width="stretch", alt="The face", caption="the face, as the model gets it")
    with columns[1]:
        st.image(overlay(face.crop, heat), width="stretch", alt=in_words(heat, label))
        st.html(legend(label, float(np.abs(heat).max())))
        st.caption("What a part of the face does to the odds where it is blurred, or all but it.")
    if not explain.has_descriptors(recognizer):
        return
    aligned, centres, effects = explain.descriptors(recognizer, face.crop, label)
    if len(effects):
        with columns[2]:
            spots = overlay(aligned, spread(centres, effects, aligned.shape[0]))
            st.image(spots, width="stretch", alt=f"Descriptors for and against {label}")
            st.html(legend(label, float(np.abs(effects).max())))
            st.caption("What the edges around each point (HOG descriptors) do to the odds, on the upright face.")
    components = explain.geometry(recognizer, face.crop, label)
    if components:
        st.subheader("Distances and angles that say most", anchor=False)
        st.markdown("\n".join(f"- {component.describe()}" for component in components))
        st.caption("Lengths in distances between the eyes, angles in radians; the usual is the training set's median.")


def in_words(heat: np.ndarray, label: str) -> str:
    """What an occlusion map says: "For happy: mouth, nose. Against: brows"."""
    parts = explain.regions(heat)
    least = _LEAST * max(abs(effect) for effect in parts.values())
    speaking = [name for name, effect in parts.items() if effect >= least]
    against = [name for name, effect in reversed(parts.items()) if effect <= -least]
    said = f"For {label}: {', '.join(speaking)}." if speaking else f"Nothing speaks for {label}."
    return said + (f" Against it: {', '.join(against)}." if against else "")


def legend(label: str, strongest: float) -> str:
    """The colours of a map as HTML; strongest: the effect of the fullest colour in nats of log-odds."""
    times = np.exp(strongest)
    return (
        '<div style="font-size:.875rem"><div style="height:.6em;border-radius:2px;background:linear-gradient(90deg,'
        f'rgb{_AGAINST},#ddd,rgb{_FOR})"></div><div style="display:flex;justify-content:space-between">'
        f"<span>against {label}: odds ÷ {times:.1f}</span><span>for {label}: odds × {times:.1f}</span></div></div>"
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
