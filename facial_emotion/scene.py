"""What is in a picture: its faces, numbered from left to right, and what they express.

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
    """A face: its number from 1, box int (4,) left, top, right, bottom, probabilities float32 (7,), and its crop.

    threshold: the confidence below which its label is uncertain.
    """

    number: int
    box: np.ndarray
    probabilities: np.ndarray
    crop: np.ndarray = field(repr=False)
    threshold: float = 0.0

    @cached_property
    def label(self) -> str:
        """The likeliest emotion."""
        return EMOTIONS[int(self.probabilities.argmax())]

    @cached_property
    def confidence(self) -> float:
        """The probability of the likeliest emotion."""
        return float(self.probabilities.max())

    @property
    def certain(self) -> bool:
        """Whether the label is as certain as the recognizer's answers shall be."""
        return self.confidence >= self.threshold

    @property
    def words(self) -> str:
        """The label and its confidence; where that is too low, first of all that it is uncertain."""
        said = f"{self.label} {self.confidence:.0%}"
        return said if self.certain else f"uncertain ({said})"


def faces_in(
    picture: str | Path | bytes | np.ndarray | Image.Image, recognizer: Recognizer, threshold: float = THRESHOLD
) -> list[Face]:
    """The faces of a picture (whatever ``read_rgb`` takes), from left to right. No face: an empty list."""
    rgb = read_rgb(picture)
    boxes = find_faces(rgb, threshold)
    crops = crop_faces(rgb, boxes)
    found = zip(boxes, recognizer.predict_proba(crops), crops, strict=True)
    return [Face(number, *of_one, recognizer.threshold) for number, of_one in enumerate(found, 1)]


def table(faces: Sequence[Face]) -> pd.DataFrame:
    """A row for each face: number, label, whether that is certain, confidence, box and the seven probabilities."""
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
