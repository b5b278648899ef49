"""Annotated pictures: boxes, numbers, labels, probabilities and landmarks of faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.landmarks import find_landmarks
from facial_emotion.labels import Label, place_labels, text_mask, text_size
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
UNCERTAIN = (255, 255, 255)  # dashes on black, as no emotion has
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_DARKENED = 0.45  # what is left of the brightness around a marked face
_BLURRED_SIDE, _BLUR_MARGIN = 6, 0.15  # pixels that are left of a blurred face; around its box, in widths
_DASH = 6  # of a dash and of the space after it, in thicknesses of the line


def annotated(
    rgb: np.ndarray,
    faces: Sequence[Face],
    bars: bool = False,
    landmarks: bool = False,
    marked: int | None = None,
    percent: bool = True,
    words: Callable[[str], str] = str,
) -> np.ndarray:
    """A copy of a picture, uint8 RGB (h, w, 3), with boxed and labelled faces; the boxes of uncertain ones are dashed.

    bars: also the seven probabilities beside each box, where there is room; landmarks: also the 68 points, predicted
    on each face's crop; marked: the number of a face that is shown bright in a picture that is darkened; percent:
    whether labels may say the confidence; words: what the emotions are called.
    """
    picture = np.ascontiguousarray(rgb).copy()
    for face in faces:
        if face.number == marked:
            left, top, right, bottom = (max(0, int(edge)) for edge in face.box)
            picture = (picture * _DARKENED).astype(np.uint8)
            picture[top:bottom, left:right] = rgb[top:bottom, left:right]
    scale = max(0.45, min(rgb.shape[:2]) / 900)  # of bars and points, in proportion to the picture
    for face in faces:
        _draw_box(picture, face)
        if bars:
            _draw_bars(picture, face, scale, words)
        if landmarks:
            _draw_landmarks(picture, face, scale)
    for face, label in zip(faces, place_labels(faces, rgb.shape[1], rgb.shape[0], percent, words), strict=True):
        if label is not None:
            _draw_label(picture, label, _colour(face))
    return picture


def blurred(rgb: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """A copy of a picture, uint8 RGB (h, w, 3), whose faces can't be recognised: a few pixels are left of each."""
    picture = np.ascontiguousarray(rgb).copy()
    height, width = picture.shape[:2]
    for face in faces:
        left, top, right, bottom = (int(edge) for edge in face.box)
        margin = round(_BLUR_MARGIN * (right - left))
        left, top, right, bottom = left - margin, top - margin, right + margin, bottom + margin
        part = picture[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
        if part.size:
            few = cv2.resize(part, (_BLURRED_SIDE, _BLURRED_SIDE), interpolation=cv2.INTER_AREA)
            part[:] = cv2.resize(few, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return picture


def _colour(face: Face) -> tuple[int, int, int]:
    return COLOURS[face.label] if face.certain else UNCERTAIN


def _draw_box(picture: np.ndarray, face: Face) -> None:
    """Draw a face's box; its line is as thick as the face is large."""
    left, top, right, bottom = (int(edge) for edge in face.box)
    thickness = int(np.clip((right - left) / 60, 2, 8))
    corners = [(left, top), (right - 1, top), (right - 1, bottom - 1), (left, bottom - 1)]
    cv2.rectangle(picture, corners[0], corners[2], _colour(face) if face.certain else _BLACK, thickness)
    if face.certain:
        return
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        count = max(1, round(np.hypot(end[0] - start[0], end[1] - start[1]) / (2 * _DASH * thickness)))
        places = np.linspace(start, end, 2 * count + 1).round().astype(int).tolist()
        for first, second in zip(places[::2], places[1::2], strict=False):
            cv2.line(picture, first, second, UNCERTAIN, thickness)


def _draw_label(picture: np.ndarray, label: Label, colour: tuple[int, int, int]) -> None:
    """Draw a label, black or white on its colour, whichever can be read better."""
    left, top, right, bottom = label.box
    picture[top:bottom, left:right] = colour
    _write(picture, (left, top), text_mask(label.text, label.size), _BLACK if _luminance(colour) > 0.179 else _WHITE)


def _luminance(colour: tuple[int, int, int]) -> float:
    """The relative luminance of a colour, 0-1, from which contrast is calculated (WCAG 2.2)."""
    linear = [(value / 255 + 0.055) ** 2.4 / 1.055**2.4 if value > 10 else value / 255 / 12.92 for value in colour]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def _write(picture: np.ndarray, place: tuple[int, int], mask: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Blend a colour into a picture by a mask float (h, w), whose left upper corner is at a place; cut at the edges."""
    left, top = place
    low_x, low_y = max(0, -left), max(0, -top)
    part = picture[top + low_y : top + len(mask), left + low_x : left + mask.shape[1]]
    share = mask[low_y : low_y + part.shape[0], low_x : low_x + part.shape[1], None]
    part[:] = np.rint(part * (1 - share) + np.array(colour, dtype=np.float32) * share)


def _draw_bars(picture: np.ndarray, face: Face, scale: float, words: Callable[[str], str]) -> None:
    """Draw a bar chart of the probabilities right of the box, else left of it, or not at all where there is no room."""
    width = picture.shape[1]
    left, top, right, bottom = (int(edge) for edge in face.box)
    row_height, bar_width = max(9, round((bottom - top) / len(EMOTIONS))), round(120 * scale) + 40
    x = right + 6 if right + 6 + bar_width <= width else left - 6 - bar_width
    if x < 0:
        return
    size = int(np.clip(0.6 * row_height, 8, 28 * scale))
    for index, name in enumerate(EMOTIONS):
        y = top + index * row_height
        end = x + max(1, round(bar_width * float(face.probabilities[index])))
        cv2.rectangle(picture, (x, y + 1), (end, y + row_height - 2), COLOURS[name], cv2.FILLED)
        place = x, y + (row_height - text_size(name, size)[1]) // 2
        _write(picture, place, text_mask(words(name), size, outline=1), _BLACK)
        _write(picture, place, text_mask(words(name), size), _WHITE)


def _draw_landmarks(picture: np.ndarray, face: Face, scale: float) -> None:
    """Draw the 68 landmarks that are predicted on the face's crop."""

    if face.transform is None:
        return
    to_picture = cv2.invertAffineTransform(face.transform)
    points = find_landmarks(face.crop[None])[0] @ to_picture[:, :2].T + to_picture[:, 2]
    radius = max(1, round(2 * scale))
    for x, y in points:
        cv2.circle(picture, (round(float(x)), round(float(y))), radius, (0, 255, 255), cv2.FILLED)
