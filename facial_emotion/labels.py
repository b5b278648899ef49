"""Where the labels of faces are written in a picture: short, as large as the faces, and never over each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facial_emotion.scene import Face

_SHARE = 0.14  # of a box's width: the size of its label's letters
_SMALLEST, _LARGEST = 12, 48  # pixels: letters that can be read, and those that need not be larger
_PADDING = 0.3  # around the text, in its size


class Label(NamedTuple):
    """A face's label. size: of the letters in pixels; box: left, top, right, bottom, exclusive, of its background."""

    text: str
    size: int
    box: tuple[int, int, int, int]


def place_labels(
    faces: Sequence[Face], width: int, height: int, percent: bool = True, words: Callable[[str], str] = str
) -> list[Label | None]:
    """The labels of faces in a picture of ``width`` x ``height`` pixels; None where there is no room for any.

    A label says number, emotion (as ``words`` calls it) and (with ``percent``) confidence, or the first of these,
    whatever fits the width of its face's box. It stands above the box, below or inside it, wherever it is over no
    other face and no other label.
    """
    boxes = [tuple(int(edge) for edge in face.box) for face in faces]
    placed: list[Label | None] = []
    for index, face in enumerate(faces):
        others = boxes[:index] + boxes[index + 1 :]
        taken = [label.box for label in placed if label is not None]
        candidates = list(_candidates(face, width, height, percent, words))
        free = (label for label in candidates if not _overlaps(label.box, [*others, *taken]))
        # Among faces that overlap, a number over another face is better than none; over another label it is worse.
        last = (label for label in reversed(candidates) if not _overlaps(label.box, taken))
        placed.append(next(free, None) or next(last, None))
    return placed


def _candidates(face: Face, width: int, height: int, percent: bool, words: Callable[[str], str]) -> Iterator[Label]:
    """A face's labels within the picture, the best first: by text, then by place."""
    left, top, right, bottom = (int(edge) for edge in face.box)
    size = int(np.clip(_SHARE * (right - left), _SMALLEST, _LARGEST))
    emotion = f"{face.number} {words(face.label)}{'' if face.certain else '?'}"
    texts = [f"{emotion} {face.confidence:.0%}"] * percent + [emotion, str(face.number)]
    for text in texts:
        wide, high = text_size(text, size)
        if wide > right - left and text != texts[-1]:
            continue
        x = int(np.clip(left, 0, max(0, width - wide)))
        for y in (top - high, bottom, top, bottom - high):
            if 0 <= y <= height - high:
                yield Label(text, size, (x, y, x + wide, y + high))


def _overlaps(box: tuple[int, ...], others: Sequence[tuple[int, ...]]) -> bool:
    """Whether a box has pixels in common with any of the others."""
    return any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in others)


def text_size(text: str, size: int) -> tuple[int, int]:
    """Width and height in pixels of a text with its padding."""
    padding = 2 * round(_PADDING * size)
    return round(_font(size).getlength(text)) + padding, sum(_font(size).getmetrics()) + padding // 2


@lru_cache(maxsize=512)  # of a live video, texts and sizes change without end
def text_mask(text: str, size: int, outline: int = 0) -> np.ndarray:
    """The share of each pixel that a text covers, with an outline of some pixels: float32 (h, w), as ``text_size``."""
    wide, high = text_size(text, size)
    canvas = Image.new("L", (wide, high))
    place = round(_PADDING * size), round(_PADDING * size) // 2
    ImageDraw.Draw(canvas).text(place, text, fill=255, font=_font(size), stroke_width=outline)
    return np.asarray(canvas, dtype=np.float32) / 255


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, which needs no file."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow without FreeType"
    return font
