"""The example pictures: two portraits that come with the package, what is made of them, and crops to time models on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from facial_emotion.features.crops import crop_faces
from facial_emotion.features.faces import find_faces
from facial_emotion.features.pictures import read_rgb

FRAME = (480, 640)  # height and width of a common webcam's picture
_VARIANTS = 100  # crops besides the first
_RATE = 15  # frames per second of the example video
FRAMES = 6 * _RATE  # of the example video
_TILE = (270, 360)  # height and width of a picture in a video call


def portrait() -> np.ndarray:
    """The astronaut Eileen Collins, smiling (NASA, public domain): uint8 RGB (512, 512, 3)."""
    return _read("portrait.webp")


def officer() -> np.ndarray:
    """The computer scientist Grace Hopper in uniform, serious (US Navy, public domain): uint8 RGB (600, 512, 3)."""
    return _read("hopper.webp")


def _read(name: str) -> np.ndarray:

    return read_rgb(Path(__file__).parent / name)


def call() -> np.ndarray:
    """A video call of nine, with the two portraits near and far, mirrored, tilted, bright and dark: uint8 RGB."""
    rng = np.random.default_rng(0)
    tiles = []
    for index in range(9):
        rgb, centre = (portrait(), (225, 120)) if index % 2 == 0 else (officer(), (255, 190))
        tile = _view(rgb, centre, rng.uniform(0.5, 1.3), rng.uniform(-15, 15), rng.uniform(0.5, 1.2))
        tiles.append(tile[:, ::-1] if index % 4 > 1 else tile)
    return np.concatenate([np.concatenate(tiles[row : row + 3], axis=1) for row in (0, 3, 6)])


def evening() -> np.ndarray:
    """The astronaut in the dark, tilted by 35 degrees: uint8 RGB (270, 360, 3)."""
    return _view(portrait(), (225, 120), 0.8, 35, 0.25)


def pair() -> np.ndarray:
    """The two portraits side by side: uint8 RGB (270, 720, 3)."""
    views = [_view(portrait(), (225, 120), 0.9, 0, 1), _view(officer(), (255, 190), 0.8, 0, 1)]
    return np.concatenate(views, axis=1)


def video() -> Iterator[tuple[float, np.ndarray]]:
    """A call of 6 seconds: the astronaut comes near, the officer joins: seconds, and uint8 RGB (270, 720, 3)."""
    for index in range(FRAMES):
        seconds = index / _RATE
        left = _view(portrait(), (225, 120), 0.6 + 0.1 * min(seconds, 3), 10 * float(np.sin(seconds)), 1)
        right = _view(officer(), (255, 190), 0.9, -8 * float(np.sin(seconds)), 1)
        yield seconds, np.concatenate([left, right if seconds >= 2 else np.zeros_like(right)], axis=1)


def _view(rgb: np.ndarray, centre: tuple[int, int], scale: float, angle: float, brightness: float) -> np.ndarray:
    """A picture as a camera shows it that looks at ``centre`` (x, y), turned by ``angle`` degrees: uint8 RGB _TILE."""
    import cv2

    height, width = _TILE
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    matrix[0, 2] += width / 2 - centre[0]
    matrix[1, 2] += height / 2 - centre[1]
    view = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return cv2.convertScaleAbs(view, alpha=brightness)


SMILING = ("astronaut", "two people", "evening")  # the examples whose first face smiles
# By the names that a viewer chooses them by.
PICTURES: dict[str, Callable[[], np.ndarray]] = {
    "astronaut": portrait,
    "officer": officer,
    "two people": pair,
    "video call": call,
    "evening": evening,
}


def frame() -> np.ndarray:
    """The portrait as a webcam would show it: uint8 RGB (480, 640, 3)."""
    canvas = np.zeros((*FRAME, 3), dtype=np.uint8)
    canvas[:, 64:576] = portrait()[: FRAME[0]]
    return canvas


def crops() -> np.ndarray:
    """The portrait's face as a crop, and 100 that are shifted, turned and scaled: uint8 (101, 48, 48)."""
    import cv2

    face = crop_faces(frame(), find_faces(frame()))[0]
    rng = np.random.default_rng(0)
    crops = [face]
    for _ in range(_VARIANTS):
        matrix = cv2.getRotationMatrix2D((23.5, 23.5), rng.uniform(-15, 15), rng.uniform(0.9, 1.1))
        shift = np.pad(rng.uniform(-3, 3, (2, 1)), ((0, 0), (2, 0)))
        crops.append(cv2.warpAffine(face, matrix + shift, (48, 48), borderMode=cv2.BORDER_REPLICATE))
    return np.stack(crops)
