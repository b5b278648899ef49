"""Annotated pictures: boxes, numbers, labels, probabilities and landmarks of faces."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.scene import Face

# A palette that is safe for colour-blind viewers: Okabe and Ito, "Color universal design", 2008.
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
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


def annotated(rgb: np.ndarray, faces: Sequence[Face], bars: bool = False, landmarks: bool = False) -> np.ndarray:
    """A copy of a picture, uint8 RGB (h, w, 3), with boxed and labelled faces.

    bars: also the seven probabilities beside each box, where there is room; landmarks: also the 68 points, predicted
    on each face's crop.
    """
    picture = np.ascontiguousarray(rgb).copy()
    scale = max(0.45, min(rgb.shape[:2]) / 900)  # of fonts and lines, in proportion to the picture
    for face in faces:
        _draw_box(picture, face, scale)
        if bars:
            _draw_bars(picture, face, scale)
        if landmarks:
            _draw_landmarks(picture, face, scale)
    return picture


def _draw_box(picture: np.ndarray, face: Face, scale: float) -> None:
    """Draw the box with number, label and confidence above it, or inside it at the picture's upper edge."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (int(edge) for edge in face.box)
    colour = COLOURS[face.label] if face.certain else UNCERTAIN
    thickness = max(2, round(3 * scale))
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, thickness)
    text = f"{face.number} {face.caption}"
    (text_width, text_height), baseline = cv2.getTextSize(text, _FONT, scale, max(1, round(1.5 * scale)))
    padding = round(6 * scale)
    label_height = text_height + baseline + 2 * padding
    x = int(np.clip(left - thickness // 2, 0, max(0, width - text_width - 2 * padding)))
    y = top - label_height if top >= label_height else int(np.clip(top, 0, max(0, height - label_height)))
    cv2.rectangle(picture, (x, y), (x + text_width + 2 * padding, y + label_height), colour, cv2.FILLED)
    luminance = np.dot(colour, (0.299, 0.587, 0.114))  # ITU-R BT.601
    text_colour = _BLACK if luminance > 110 else _WHITE
    weight = max(1, round(1.5 * scale))
    origin = (x + padding, y + padding + text_height)
    cv2.putText(picture, text, origin, _FONT, scale, text_colour, weight, cv2.LINE_AA)


def _draw_bars(picture: np.ndarray, face: Face, scale: float) -> None:
    """Draw a bar chart of the probabilities right of the box, else left of it, or not at all where there is no room."""
    width = picture.shape[1]
    left, top, right, bottom = (int(edge) for edge in face.box)
    row_height, bar_width = max(9, round((bottom - top) / len(EMOTIONS))), round(120 * scale) + 40
    x = right + 6 if right + 6 + bar_width <= width else left - 6 - bar_width
    if x < 0:
        return
    font_scale = min(scale * 0.8, row_height / 26)
    for index, name in enumerate(EMOTIONS):
        y = top + index * row_height
        end = x + max(1, round(bar_width * float(face.probabilities[index])))
        cv2.rectangle(picture, (x, y + 1), (end, y + row_height - 2), COLOURS[name], cv2.FILLED)
        origin = (x + 3, y + row_height - round(row_height / 3))
        for colour, weight in ((_BLACK, 3), (_WHITE, 1)):  # white with a black outline
            cv2.putText(picture, name, origin, _FONT, font_scale, colour, weight, cv2.LINE_AA)


def _draw_landmarks(picture: np.ndarray, face: Face, scale: float) -> None:
    """Draw the 68 landmarks that are predicted on the face's crop."""
    from facial_emotion.features.landmarks import find_landmarks

    if face.transform is None:
        return
    to_picture = cv2.invertAffineTransform(face.transform)
    points = find_landmarks(face.crop[None])[0] @ to_picture[:, :2].T + to_picture[:, 2]
    radius = max(1, round(2 * scale))
    for x, y in points:
        cv2.circle(picture, (round(float(x)), round(float(y))), radius, (0, 255, 255), cv2.FILLED)
