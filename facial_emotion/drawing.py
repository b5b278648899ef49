"""Faces drawn into a picture: boxes, numbers, labels, probabilities and landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import crop_square
from facial_emotion.scene import Face

# Told apart by people who see colours differently too: Okabe and Ito, "Color universal design", 2008.
COLOURS = dict(
    zip(
        EMOTIONS,
        [(213, 94, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178), (230, 159, 0), (160, 160, 160)],
        strict=True,
    )
)
HEX = {name: "#{:02x}{:02x}{:02x}".format(*colour) for name, colour in COLOURS.items()}
UNCERTAIN = (90, 90, 90)
_FONT = cv2.FONT_HERSHEY_DUPLEX


def annotated(rgb: np.ndarray, faces: Sequence[Face], bars: bool = False, landmarks: bool = False) -> np.ndarray:
    """A copy of a picture, uint8 RGB (h, w, 3), with its faces boxed and labelled.

    bars: the seven probabilities beside each box, where there is room; landmarks: the 68 points, found on each
    face's crop.
    """
    picture = np.ascontiguousarray(rgb).copy()
    unit = max(0.45, min(rgb.shape[:2]) / 900)  # size of writing, by the picture's
    for face in faces:
        _box(picture, face, unit)
        if bars:
            _bars(picture, face, unit)
        if landmarks:
            _points(picture, face, unit)
    return picture


def _box(picture: np.ndarray, face: Face, unit: float) -> None:
    """The box, and above it, or inside where it would be cut off, number, label and confidence on a filled ground."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (int(edge) for edge in face.box)
    colour = COLOURS[face.label] if face.certain else UNCERTAIN
    thick = max(2, round(3 * unit))
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, thick)
    text = f"{face.number} {face.words}"
    (wide, high), below = cv2.getTextSize(text, _FONT, unit, max(1, round(1.5 * unit)))
    pad = round(6 * unit)
    tall = high + below + 2 * pad
    x = int(np.clip(left - thick // 2, 0, max(0, width - wide - 2 * pad)))
    y = top - tall if top >= tall else int(np.clip(top, 0, max(0, height - tall)))
    cv2.rectangle(picture, (x, y), (x + wide + 2 * pad, y + tall), colour, cv2.FILLED)
    ink = (0, 0, 0) if np.dot(colour, (0.299, 0.587, 0.114)) > 110 else (255, 255, 255)
    weight = max(1, round(1.5 * unit))
    cv2.putText(picture, text, (x + pad, y + pad + high), _FONT, unit, ink, weight, cv2.LINE_AA)


def _bars(picture: np.ndarray, face: Face, unit: float) -> None:
    """Seven bars beside the box, right of it if there is room, else left; not at all where there is none."""
    width = picture.shape[1]
    left, top, right, bottom = (int(edge) for edge in face.box)
    row, wide = max(9, round((bottom - top) / len(EMOTIONS))), round(120 * unit) + 40
    x = right + 6 if right + 6 + wide <= width else left - 6 - wide
    if x < 0:
        return
    size = min(unit * 0.8, row / 26)
    for index, name in enumerate(EMOTIONS):
        y = top + index * row
        end = x + max(1, round(wide * float(face.probabilities[index])))
        cv2.rectangle(picture, (x, y + 1), (end, y + row - 2), COLOURS[name], cv2.FILLED)
        for ink, weight in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(picture, name, (x + 3, y + row - round(row / 3)), _FONT, size, ink, weight, cv2.LINE_AA)


def _points(picture: np.ndarray, face: Face, unit: float) -> None:
    from facial_emotion.features.landmarks import find_landmarks

    left, top, side = crop_square(face.box)
    points = (find_landmarks(face.crop[None])[0] + 0.5) * side / face.crop.shape[1] + (left, top)
    for x, y in points:
        cv2.circle(picture, (round(float(x)), round(float(y))), max(1, round(2 * unit)), (0, 255, 255), cv2.FILLED)
