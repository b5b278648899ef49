"""Faces that come with scikit-image and may be shown and tested on."""

from __future__ import annotations

import numpy as np

FRAME = (480, 640)  # height and width of a common webcam's picture


def portrait() -> np.ndarray:
    """The astronaut Eileen Collins, smiling (NASA, public domain): uint8 RGB (512, 512, 3)."""
    from skimage.data import astronaut

    return astronaut()


def frame() -> np.ndarray:
    """The portrait as a webcam would show it: uint8 RGB (480, 640, 3)."""
    canvas = np.zeros((*FRAME, 3), dtype=np.uint8)
    canvas[:, 64:576] = portrait()[: FRAME[0]]
    return canvas


def crops() -> np.ndarray:
    """The portrait's face and 100 small ones of Labeled Faces in the Wild, as crops: uint8 (101, 48, 48)."""
    import cv2
    from skimage.data import lfw_subset

    from features.faces import crop_faces, find_faces

    first = crop_faces(frame(), find_faces(frame()))
    small = [
        cv2.resize((face * 255).astype(np.uint8), (48, 48), interpolation=cv2.INTER_CUBIC)
        for face in lfw_subset()[:100]
    ]
    return np.concatenate([first, np.stack(small)])
