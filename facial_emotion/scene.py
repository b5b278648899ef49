"""Detection and emotion recognition on one picture.

from facial_emotion.recognizers import load
from facial_emotion.scene import faces_in, table
faces = faces_in("portrait.jpg", load("svm"))
print(table(faces))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.crops import crop_faces, crop_transforms, cut_crops
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DEFAULT, DEFAULT_SEARCH, Faces, Search, find_faces
from facial_emotion.features.pictures import read_rgb
from facial_emotion.features.visibility import are_visible
from facial_emotion.recognizers import Recognizer

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image


@dataclass(frozen=True)
class Face:
    """A recognised face.

    number: from 1; box: int (4,), left, top, right, bottom in pixels; probabilities: float32 (7,); crop: uint8
    (48, 48); threshold: the confidence below which the label is uncertain; detection: the detector's score;
    transform: float (2, 3), from the picture's pixels to the crop's; emotion: the index of its label in a video, where
    that is held until another emotion has led for some time.
    """

    number: int
    box: np.ndarray
    probabilities: np.ndarray
    crop: np.ndarray = field(repr=False)
    threshold: float = 0.0
    detection: float = 1.0
    transform: np.ndarray | None = field(default=None, repr=False)
    emotion: int | None = None

    @cached_property
    def label(self) -> str:
        """The most probable emotion or, in a video, the one that was until a moment ago."""
        return EMOTIONS[self.index]

    @property
    def index(self) -> int:
        """The label's index in EMOTIONS."""
        return int(self.probabilities.argmax()) if self.emotion is None else self.emotion

    @cached_property
    def confidence(self) -> float:
        """The probability of the label."""
        return float(self.probabilities[self.index])

    @cached_property
    def certain(self) -> bool:
        """Whether the probability of the most probable emotion reaches the recognizer's threshold, and the crop shows
        enough of a face.
        """
        return bool(are_certain(self.probabilities[None], self.crop[None], self.threshold)[0])

    @property
    def caption(self) -> str:
        """Label and confidence as text; marked as uncertain below the threshold."""
        text = f"{self.label} {self.confidence:.0%}"
        return text if self.certain else f"uncertain ({text})"


def are_certain(probabilities: np.ndarray, crops: np.ndarray, threshold: float) -> np.ndarray:
    """Which answers (n, 7) on crops uint8 (n, 48, 48) are certain: bool (n,). Where a crop does not show enough of a
    face (see ``features.visibility``) none is, whatever the confidence.
    """
    return (probabilities.max(axis=1) >= threshold) & are_visible(crops)


def detect(rgb: np.ndarray, search: Search = DEFAULT_SEARCH) -> tuple[Faces, np.ndarray]:
    """Detect and crop the faces of a picture, uint8 RGB (h, w, 3), from left to right; crops uint8 (n, 48, 48)."""
    faces = find_faces(rgb, *search)
    return faces, crop_faces(rgb, faces)


def classify(
    faces: Faces, crops: np.ndarray, recognizer: Recognizer, transforms: np.ndarray | None = None
) -> list[Face]:
    """Recognise detected faces, numbered in their order. crops: uint8 (n, 48, 48); transforms: as they were cut."""
    detections = faces.boxes, faces.scores, crop_transforms(faces) if transforms is None else transforms
    results = zip(*detections, recognizer.predict_proba(crops), crops, strict=True)
    return [
        Face(number, box, probabilities, crop, recognizer.threshold, float(score), transform)
        for number, (box, score, transform, probabilities, crop) in enumerate(results, 1)
    ]


def faces_in(
    picture: str | Path | bytes | np.ndarray | Image.Image,
    recognizer: Recognizer,
    detector: str = DEFAULT,
    threshold: float | None = None,
    min_face: float | None = None,
) -> list[Face]:
    """The faces of a picture (whatever ``read_rgb`` takes), from left to right. No face: an empty list.

    detector, threshold, min_face: as in ``features.faces.find_faces``.
    """
    rgb = read_rgb(picture)
    faces = find_faces(rgb, detector, threshold, min_face)
    transforms = crop_transforms(faces)
    return classify(faces, cut_crops(rgb, transforms), recognizer, transforms)


def scaled(faces: Sequence[Face], factor: float) -> list[Face]:
    """The faces as they are in a copy of their picture that is ``factor`` times as large."""
    shift = (factor - 1) / 2  # of a pixel's centre
    copy_to_picture = np.array([[1 / factor, 0, -shift / factor], [0, 1 / factor, -shift / factor], [0, 0, 1]])
    return [
        replace(
            face,
            box=np.rint(face.box * factor).astype(int),
            transform=None if face.transform is None else face.transform @ copy_to_picture,
        )
        for face in faces
    ]


def table(faces: Sequence[Face]) -> pd.DataFrame:
    """One row per face: number, label, certain or not, confidence, box, detector's score, and the probabilities."""
    try:
        import pandas as pd
    except ImportError as error:
        raise InputError("table", "pandas", "none installed", "pip install pandas") from error

    columns = ["face", "label", "certain", "confidence", "left", "top", "right", "bottom", "detection", *EMOTIONS]
    rows = [
        (
            *(face.number, face.label, face.certain, face.confidence, *map(int, face.box), face.detection),
            *map(float, face.probabilities),
        )
        for face in faces
    ]
    return pd.DataFrame(rows, columns=columns).round(dict.fromkeys(("confidence", "detection", *EMOTIONS), 4))
