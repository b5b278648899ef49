"""How well faces that are found again in a picture are framed: FER2013's own crops, laid into larger pictures.

A model's accuracy on the crops found again, against that on the originals, says what detection and cropping cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from facial_emotion.features.crops import crop_faces
from facial_emotion.features.faces import Faces, find_faces
from facial_emotion.features.landmarks import find_landmarks

_SCALES = (3.0, 6.0)  # range of the enlargement of a crop, by Lanczos' kernel, which keeps it sharp
_BORDER = 0.5  # around it, in crop sides, of its mean grey
_PARTS = {"left eye": slice(36, 42), "right eye": slice(42, 48), "mouth": slice(48, 68)}  # of the 68 landmarks


@dataclass(frozen=True)
class Framing:
    """Crops found again. found: bool (n,), whether a face was found at its place; crops: uint8 (k, 48, 48), of these.

    positions, originals: mean x and y of eyes and mouth in crop pixels, in the crops found again and in the originals.
    """

    found: np.ndarray
    crops: np.ndarray
    positions: dict[str, list[float]]
    originals: dict[str, list[float]]


def measure(crops: np.ndarray, detector: str, step: Callable[[], object], seed: int = 0) -> Framing:
    """Lay crops uint8 (n, 48, 48) into larger pictures, find them and crop them again; step is called for each."""
    rng = np.random.default_rng(seed)
    found, again = np.zeros(len(crops), dtype=bool), []
    for index, crop in enumerate(crops):
        scale = rng.uniform(*_SCALES)
        border = round(_BORDER * round(scale * len(crop)))
        picture = laid_into_picture(crop, scale, border, border)
        centre = np.array(picture.shape[:2]) / 2
        faces = find_faces(picture, detector, min_face=0.4 * scale * len(crop))
        face = _at(faces, centre, scale * len(crop) / 3)
        if face is not None:
            found[index] = True
            again.append(crop_faces(picture, faces.take(np.array([face])))[0])
        step()
    cropped = np.array(again, dtype=np.uint8).reshape(-1, *crops.shape[1:])
    return Framing(found, cropped, _positions(cropped), _positions(crops[found]))


def laid_into_picture(crop: np.ndarray, scale: float, top: int, left: int) -> np.ndarray:
    """A crop enlarged, in the middle of a picture uint8 RGB; top, left: pixels of its mean grey on both sides."""
    enlarged = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_LANCZOS4)
    grey = float(crop.mean())
    framed = cv2.copyMakeBorder(enlarged, top, top, left, left, cv2.BORDER_CONSTANT, value=grey)
    return np.repeat(framed[..., None], 3, axis=2)


def _at(faces: Faces, centre: np.ndarray, distance: float) -> int | None:
    """The index of the surest face near a place, if any."""
    centres = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    near = np.flatnonzero(np.abs(centres - centre).max(axis=1, initial=0) < distance)
    return int(near[faces.scores[near].argmax()]) if len(near) else None


def _positions(crops: np.ndarray) -> dict[str, list[float]]:
    """Mean places of eyes and mouth, from the 68 landmarks."""
    points = find_landmarks(crops)
    return {name: points[:, part].mean(axis=(0, 1)).round(2).tolist() for name, part in _PARTS.items()}
