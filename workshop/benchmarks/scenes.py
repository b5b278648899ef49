"""Synthetic scenes to measure a face detector on: portraits laid into pictures without faces.

Where every face is, is known, and what makes it hard is chosen: size, rotation, cover, the picture's edge, darkness,
blur, number and the size of the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

_BACKGROUNDS = ("brick", "cat", "coffee", "coins", "grass", "gravel", "rocket", "text")  # of skimage.data, faceless
_HEAD = 0.75  # what is taken of a portrait around the face, in heights of its box


@dataclass(frozen=True)
class Portrait:
    """A picture of one face, uint8 RGB (h, w, 3), and the face's box, float (4,)."""

    rgb: np.ndarray
    box: np.ndarray


@dataclass(frozen=True)
class Condition:
    """What a scene is like. size: the heights of the faces in pixels; picture: width and height; faces: how many.

    rotation: in degrees; change: of the picture of a head, before it is laid in; outside: the share of a face beyond
    the picture's left edge.
    """

    name: str
    size: tuple[int, int] = (40, 160)
    picture: tuple[int, int] = (640, 480)
    faces: int = 2
    rotation: float = 0.0
    change: Callable[[np.ndarray], np.ndarray] = lambda head: head
    outside: float = 0.0
    scenes: int = 12


def _covered(head: np.ndarray) -> np.ndarray:
    """The head with its lower half behind something grey."""
    result = head.copy()
    result[len(head) // 2 :] = (110, 110, 120)
    return result


def _dark(head: np.ndarray) -> np.ndarray:
    return (head // 8).astype(np.uint8)


def _blurred(head: np.ndarray) -> np.ndarray:
    """The head out of focus: by 4 % of its height."""
    return np.asarray(cv2.GaussianBlur(head, (0, 0), max(0.5, 0.04 * len(head) / (1 + 2 * _HEAD))))


CONDITIONS = (
    *(
        Condition(f"upright, {low}-{high} pixels", (low, high))
        for low, high in ((24, 32), (32, 48), (48, 80), (80, 160))
    ),
    Condition("upright, 160-400 pixels", (160, 400), faces=1, scenes=24),
    *(Condition(f"rotated by {angle} degrees", rotation=angle) for angle in (15, 30, 45, 60)),
    Condition("lower half covered", change=_covered),
    Condition("a third beyond the edge", faces=1, outside=1 / 3, scenes=24),
    Condition("darkened to 1/8", change=_dark),
    Condition("out of focus", change=_blurred),
    Condition("30 in a picture", (24, 60), (1280, 960), faces=30, scenes=2),
    Condition("12 megapixels", (120, 400), (4000, 3000), faces=6, scenes=3),
    Condition("12 megapixels, small", (24, 60), (4000, 3000), faces=12, scenes=1),
    Condition("6000 x 600", (60, 400), (6000, 600), faces=6, scenes=4),
)


def scenes(condition: Condition, portraits: list[Portrait], seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures uint8 RGB and the boxes float (n, 4) of the faces in them."""
    rng = np.random.default_rng(seed)
    for index in range(condition.scenes):
        picture = _background(index, condition.picture)
        boxes: list[np.ndarray] = []
        for number in range(1000):
            if len(boxes) == condition.faces:
                break
            sign = 1 if number % 2 else -1
            portrait = portraits[int(rng.integers(len(portraits)))]
            height = int(rng.integers(condition.size[0], condition.size[1] + 1))
            head, mask, box = _head(replace(portrait), height, sign * condition.rotation)
            head = condition.change(head)
            place = _place(head.shape[:2], condition, picture.shape[:2], box, rng)
            if place is None or any(_near(box + np.tile(place, 2), other) for other in boxes):
                continue
            _lay(picture, head, mask, place)
            boxes.append(box + np.tile(place, 2))
        yield picture, np.array(boxes).reshape(-1, 4)


def _background(index: int, size: tuple[int, int]) -> np.ndarray:
    from skimage import data

    background: Any = getattr(data, _BACKGROUNDS[index % len(_BACKGROUNDS)])()
    colour = background if background.ndim == 3 else np.repeat(background[..., None], 3, axis=2)
    return np.ascontiguousarray(cv2.resize(colour, size, interpolation=cv2.INTER_AREA))


def _head(portrait: Portrait, height: int, angle: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A portrait's head at a height and turned: picture (s, s, 3), mask float (s, s, 1), and the face's box (4,)."""
    left, top, right, bottom = portrait.box
    scale = height / (bottom - top)
    if scale < 0.5:  # shrink in two steps, so that no pixel is skipped
        rgb = cv2.resize(portrait.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return _head(Portrait(rgb, portrait.box * scale), height, angle)
    side = round(height * (1 + 2 * _HEAD))
    matrix = cv2.getRotationMatrix2D(((left + right) / 2, (top + bottom) / 2), angle, scale)
    matrix[:, 2] = matrix[:, 2] + side / 2 - np.array([left + right, top + bottom]) / 2
    head = cv2.warpAffine(portrait.rgb, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    grid = (np.arange(side) + 0.5) / side * 2 - 1
    distance = np.hypot(grid[:, None], grid[None])
    mask = np.clip((1 - distance) * 8, 0, 1)[..., None]
    half = np.array([(right - left) * scale, height]) / 2
    return head, mask, np.concatenate([side / 2 - half, side / 2 + half])


def _place(
    head: tuple[int, ...], condition: Condition, picture: tuple[int, ...], box: np.ndarray, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Left and top of a head so that its face is in the picture, or as far out on the left as the condition says."""
    room = np.array(picture[::-1]) - box[2:] - 2
    if (room < -box[:2] + 2).any():
        return None
    left, top = (int(rng.integers(int(-low) + 2, int(space) + 1)) for low, space in zip(box[:2], room, strict=True))
    if condition.outside:
        left = round(-box[0] - condition.outside * (box[2] - box[0]))
    return left, top


def _near(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether two heads would hide each other."""
    reach = (box[3] - box[1] + other[3] - other[1]) / 2 * (1 + _HEAD)
    centres = (box[:2] + box[2:] - other[:2] - other[2:]) / 2
    return bool(np.abs(centres).max() < reach)


def _lay(picture: np.ndarray, head: np.ndarray, mask: np.ndarray, place: tuple[int, int]) -> None:
    """Lay a head into a picture, in place; what lies beyond the picture is cut off."""
    left, top = place
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(picture.shape[1], left + head.shape[1]), min(picture.shape[0], top + head.shape[0])
    inside = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    part, share = picture[y0:y1, x0:x1], mask[inside]
    part[:] = np.rint(head[inside] * share + part * (1 - share)).astype(np.uint8)
