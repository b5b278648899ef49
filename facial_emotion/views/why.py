"""Why a model said what it said of a face."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st

from facial_emotion import explain, scene
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer
from facial_emotion.views import image
from facial_emotion.views.sidebar import Choice

_SIDE = 384  # pixels of an overlay


def show(choice: Choice) -> None:
    """The page."""
    st.title("Why this emotion?")
    picture = image.one_picture("why_upload")
    if picture is None:
        return
    faces = scene.faces_in(picture.rgb, choice.recognizer, choice.threshold)
    if not faces:
        st.warning(image.NO_FACE, icon=":material/person_off:")
        return
    left, right = st.columns(2)
    number = left.selectbox("Face, from left to right", [face.number for face in faces], key="why_face")
    face = faces[number - 1]
    label = right.selectbox("Why, or why not", EMOTIONS, index=EMOTIONS.index(face.label), key="why_label")
    share = face.probabilities[EMOTIONS.index(label)]
    st.write(f"**{choice.name}** gives *{label}* {share:.0%}; likeliest is *{face.label}*, {face.confidence:.0%}.")
    explain_face(choice.recognizer, face, label)


def explain_face(recognizer: Recognizer, face: scene.Face, label: str) -> None:
    """Overlays and words for one face and label."""
    columns = st.columns(3 if explain.has_descriptors(recognizer) else 2, gap="medium")
    columns[0].image(enlarged(face.crop), width="stretch", caption="what the model sees")
    heat = explain.occlusion(recognizer, face.crop, label)
    columns[1].image(
        overlay(face.crop, heat), width="stretch", caption=f"red speaks for {label}, blue against it: found by covering"
    )
    if not explain.has_descriptors(recognizer):
        return
    aligned, centres, effects = explain.descriptors(recognizer, face.crop, label)
    if len(effects):
        columns[2].image(
            overlay(aligned, spread(centres, effects, aligned.shape[0])),
            width="stretch",
            caption="the HOG descriptors that speak for it, red, and against it, blue, on the aligned face",
        )
    components = explain.geometry(recognizer, face.crop, label)
    if components:
        st.subheader("Its geometry, strongest first")
        st.markdown("\n".join(f"- {component.in_words()}" for component in components))
        st.caption("Lengths are in distances between the eyes, angles in radians; common is the median of 101 faces.")


def spread(centres: np.ndarray, effects: np.ndarray, side: int) -> np.ndarray:
    """Effects (k,) at centres (k, 2), as a smooth map float32 (side, side)."""
    heat = np.zeros((side, side), dtype=np.float32)
    heat[centres[:, 1].round().astype(int), centres[:, 0].round().astype(int)] = effects
    return cv2.GaussianBlur(heat, (0, 0), 4)


def overlay(grey: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A grey face with a map over it, red above 0 and blue below: uint8 RGB."""
    strength = heat / max(float(np.abs(heat).max()), 1e-6)
    strength = cv2.resize(strength, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)[..., None].clip(-1, 1)
    colour = np.where(strength > 0, np.array([220.0, 30, 30]), np.array([30.0, 60, 220]))
    weight = 0.6 * np.abs(strength)
    return np.rint(enlarged(grey)[..., None] * (1 - weight) + colour * weight).astype(np.uint8)


def enlarged(grey: np.ndarray) -> np.ndarray:
    """A small grey face, large enough to look at: uint8 (384, 384)."""
    return cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
