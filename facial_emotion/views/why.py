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
    left, right = st.columns(2)
    number = left.selectbox("Face, from left to right", [face.number for face in faces], key="why_face")
    face = faces[number - 1]
    shown = picture.name, number, settings.name
    if st.session_state.get("why_shown") != shown:  # another face or model: its own answer is explained first
        st.session_state.update(why_shown=shown, why_label=face.label)
    label = right.selectbox("Emotion to explain", EMOTIONS, key="why_label")
    probability = face.probabilities[EMOTIONS.index(label)]
    most_probable = f"most probable: *{face.label}*, {face.confidence:.0%}"
    st.write(f"**{settings.name}** gives *{label}* {probability:.0%}; {most_probable}.")
    explain_face(settings.recognizer, face, label)


def explain_face(recognizer: Recognizer, face: scene.Face, label: str) -> None:
    """Draw the explanation of a label: heat maps, and geometry components as text."""
    columns = st.columns(3 if explain.has_descriptors(recognizer) else 2, gap="medium")
    columns[0].image(enlarged(face.crop), width="stretch", caption="model input")
    heat = explain.occlusion(recognizer, face.crop, label)
    columns[1].image(
        overlay(face.crop, heat), width="stretch", caption=f"occlusion map: red supports {label}, blue contradicts it"
    )
    if not explain.has_descriptors(recognizer):
        return
    aligned, centres, effects = explain.descriptors(recognizer, face.crop, label)
    if len(effects):
        columns[2].image(
            overlay(aligned, spread(centres, effects, aligned.shape[0])),
            width="stretch",
            caption=f"HOG descriptors on the aligned face: red supports {label}, blue contradicts it",
        )
    components = explain.geometry(recognizer, face.crop, label)
    if components:
        st.subheader("Geometry components, largest effect first")
        st.markdown("\n".join(f"- {component.describe()}" for component in components))
        st.caption("Lengths relative to the distance between the eyes, angles in radians; medians of the training set.")


def spread(centres: np.ndarray, effects: np.ndarray, side: int) -> np.ndarray:
    """Smooth heat map, float32 (side, side), of effects (k,) at centres (k, 2)."""
    heat = np.zeros((side, side), dtype=np.float32)
    heat[centres[:, 1].round().astype(int), centres[:, 0].round().astype(int)] = effects
    return cv2.GaussianBlur(heat, (0, 0), 4)


def overlay(grey: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A grey face with a heat map over it, red above 0 and blue below: uint8 RGB (384, 384, 3)."""
    strength = heat / max(float(np.abs(heat).max()), 1e-6)
    strength = cv2.resize(strength, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)[..., None].clip(-1, 1)
    colour = np.where(strength > 0, np.array([220.0, 30, 30]), np.array([30.0, 60, 220]))
    weight = 0.6 * np.abs(strength)
    return np.rint(enlarged(grey)[..., None] * (1 - weight) + colour * weight).astype(np.uint8)


def enlarged(grey: np.ndarray) -> np.ndarray:
    """A grey face, enlarged for display: uint8 (384, 384)."""
    return cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
