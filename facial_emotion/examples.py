"""The example picture that comes with the package, and crops made from it to time models on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FRAME = (480, 640)  # height and width of a common webcam's picture
_VARIANTS = 100  # crops besides the first


def portrait() -> np.ndarray:
    """The astronaut Eileen Collins, smiling (NASA, public domain): uint8 RGB (512, 512, 3)."""
    from facial_emotion.features.pictures import read_rgb

    return read_rgb(Path(__file__).parent / "portrait.webp")


def frame() -> np.ndarray:
    """The portrait as a webcam would show it: uint8 RGB (480, 640, 3)."""
    canvas = np.zeros((*FRAME, 3), dtype=np.uint8)
    canvas[:, 64:576] = portrait()[: FRAME[0]]
    return canvas


def crops() -> np.ndarray:
    """The portrait's face as a crop, and 100 that are shifted, turned and scaled: uint8 (101, 48, 48)."""
    import cv2

    from facial_emotion.features.crops import crop_faces
    from facial_emotion.features.faces import find_faces

    face = crop_faces(frame(), find_faces(frame()))[0]
    rng = np.random.default_rng(0)
    found = [face]
    for _ in range(_VARIANTS):
        matrix = cv2.getRotationMatrix2D((23.5, 23.5), rng.uniform(-15, 15), rng.uniform(0.9, 1.1))
        shift = np.pad(rng.uniform(-3, 3, (2, 1)), ((0, 0), (2, 0)))
        found.append(cv2.warpAffine(face, matrix + shift, (48, 48), borderMode=cv2.BORDER_REPLICATE))
    return np.stack(found)
