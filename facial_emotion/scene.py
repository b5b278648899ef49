"""Detection and emotion recognition on one picture.

from facial_emotion.recognizers import load
from facial_emotion.scene import faces_in, table
faces = faces_in("portrait.jpg", load("svm"))
print(table(faces))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import THRESHOLD, crop_faces, find_faces
from facial_emotion.features.pictures import read_rgb
from facial_emotion.recognizers import Recognizer

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image


@dataclass(frozen=True)
class Face:
    """A recognised face.

    number: from 1; box: int (4,), left, top, right, bottom in pixels; probabilities: float32 (7,); crop: uint8
    (48, 48); threshold: the confidence below which the label is uncertain.
    """

    number: int
    box: np.ndarray
    probabilities: np.ndarray
    crop: np.ndarray = field(repr=False)
    threshold: float = 0.0

    @cached_property
    def label(self) -> str:
        """The most probable emotion."""
        return EMOTIONS[int(self.probabilities.argmax())]

    @cached_property
    def confidence(self) -> float:
        """The probability of the most probable emotion."""
        return float(self.probabilities.max())

    @property
    def certain(self) -> bool:
        """Whether the confidence reaches the recognizer's threshold."""
        return self.confidence >= self.threshold

    @property
    def caption(self) -> str:
        """Label and confidence as text; marked as uncertain below the threshold."""
        text = f"{self.label} {self.confidence:.0%}"
        return text if self.certain else f"uncertain ({text})"


def detect(rgb: np.ndarray, threshold: float = THRESHOLD) -> tuple[np.ndarray, np.ndarray]:
    """Detect and crop the faces of a picture, uint8 RGB (h, w, 3), from left to right.

    threshold: detector score that a face must reach. Returns boxes int64 (n, 4) and crops uint8 (n, 48, 48).
    """
    boxes = find_faces(rgb, threshold)
    return boxes, crop_faces(rgb, boxes)


def classify(boxes: np.ndarray, crops: np.ndarray, recognizer: Recognizer) -> list[Face]:
    """Recognise detected faces, numbered in their order. boxes: int (n, 4); crops: uint8 (n, 48, 48)."""
    results = zip(boxes, recognizer.predict_proba(crops), crops, strict=True)
    return [
        Face(number, box, probabilities, crop, recognizer.threshold)
        for number, (box, probabilities, crop) in enumerate(results, 1)
    ]


def faces_in(
    picture: str | Path | bytes | np.ndarray | Image.Image, recognizer: Recognizer, threshold: float = THRESHOLD
) -> list[Face]:
    """The faces of a picture (whatever ``read_rgb`` takes), from left to right. No face: an empty list."""
    boxes, crops = detect(read_rgb(picture), threshold)
    return classify(boxes, crops, recognizer)


def table(faces: Sequence[Face]) -> pd.DataFrame:
    """One row per face: number, label, certain or not, confidence, box and the seven probabilities."""
    try:
        import pandas as pd
    except ImportError as error:
        raise InputError("table", "pandas", "none installed", "pip install pandas") from error

    columns = ["face", "label", "certain", "confidence", "left", "top", "right", "bottom", *EMOTIONS]
    rows = [
        (face.number, face.label, face.certain, face.confidence, *map(int, face.box), *map(float, face.probabilities))
        for face in faces
    ]
    return pd.DataFrame(rows, columns=columns).round(dict.fromkeys(("confidence", *EMOTIONS), 4))
