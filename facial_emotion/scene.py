"""Detection and emotion recognition on one picture.

from facial_emotion.recognizers import load
from facial_emotion.scene import faces_in, table
faces = faces_in("portrait.jpg", load("svm"))
print(table(faces))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict, TypeVar, Union, overload

import numpy as np

from facial_emotion import notebook
from facial_emotion.errors import InputError
from facial_emotion.features.crops import crop_faces, crop_transforms, cut_crops
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DEFAULT, DEFAULT_SEARCH, Faces, Search, find_faces
from facial_emotion.features.pictures import read_rgb
from facial_emotion.features.visibility import are_visible
from facial_emotion.recognizers import DEFAULT as DEFAULT_MODEL
from facial_emotion.recognizers import Recognizer, load

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

Picture: TypeAlias = Union[str, Path, bytes, np.ndarray, "Image.Image"]
AnyPicture = TypeVar("AnyPicture", bound=Picture)


class FaceData(TypedDict):
    """A face in plain types, as JSON has it. box: left, top, right, bottom in pixels; detection: the detector's score.

    probabilities: by emotion. Scores and probabilities have four decimals.
    """

    number: int
    box: list[int]
    detection: float
    label: str
    certain: bool
    confidence: float
    probabilities: dict[str, float]


@dataclass(frozen=True, eq=False, repr=False)
class Face:
    """A recognised face. Two with the same values are equal.

    number: from 1; box: int (4,), left, top, right, bottom in pixels; probabilities: float32 (7,); crop: uint8
    (48, 48); threshold: the confidence below which the label is uncertain; detection: the detector's score;
    transform: float (2, 3), from the picture's pixels to the crop's; emotion: the index of its label in a video, where
    that is held until another emotion has led for some time.
    """

    number: int
    box: np.ndarray
    probabilities: np.ndarray
    crop: np.ndarray
    threshold: float = 0.0
    detection: float = 1.0
    transform: np.ndarray | None = None
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

    def to_dict(self) -> FaceData:
        """The face in plain types, for JSON."""
        return {
            "number": self.number,
            "box": [int(edge) for edge in self.box],
            "detection": round(self.detection, 4),
            "label": self.label,
            "certain": self.certain,
            "confidence": round(self.confidence, 4),
            "probabilities": {
                name: round(float(share), 4) for name, share in zip(EMOTIONS, self.probabilities, strict=True)
            },
        }

    def _value(self) -> tuple[object, ...]:
        arrays = (self.box, self.probabilities, self.crop, *(() if self.transform is None else (self.transform,)))
        rest = self.number, self.threshold, self.detection, self.emotion
        return *rest, *((array.shape, *array.ravel().tolist()) for array in arrays)

    def __eq__(self, other: object) -> bool:
        return self._value() == other._value() if isinstance(other, Face) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._value())

    def __repr__(self) -> str:
        left, top, right, bottom = self.to_dict()["box"]
        return f"<Face {self.number}: {self.caption} at ({left}, {top})-({right}, {bottom})>"

    def _repr_html_(self) -> str:
        return notebook.html_of_face(self.crop, f"{self.number}: {self.caption}", self.to_dict()["probabilities"])


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


@overload
def faces_in(
    picture: Picture,
    recognizer: Recognizer | str = ...,
    detector: str = ...,
    threshold: float | None = ...,
    min_face: float | None = ...,
) -> list[Face]: ...
@overload
def faces_in(
    picture: list[AnyPicture] | tuple[AnyPicture, ...],
    recognizer: Recognizer | str = ...,
    detector: str = ...,
    threshold: float | None = ...,
    min_face: float | None = ...,
) -> list[list[Face]]: ...
def faces_in(
    picture: Picture | list[AnyPicture] | tuple[AnyPicture, ...],
    recognizer: Recognizer | str = DEFAULT_MODEL,
    detector: str = DEFAULT,
    threshold: float | None = None,
    min_face: float | None = None,
) -> list[Face] | list[list[Face]]:
    """The faces of a picture, from left to right; of a list of pictures: one list for each. No face: an empty list.

    picture: a path, encoded bytes, a PIL image, or an array uint8 RGB (h, w, 3), grey (h, w) or RGBA (h, w, 4), as of
    ``features.pictures.read_rgb``; recognizer: a model, or its name; detector, threshold, min_face: as in
    ``features.faces.find_faces``. Raises InputError.
    """
    if isinstance(recognizer, str):
        recognizer = load(recognizer)
    if isinstance(picture, list | tuple):
        return [faces_in(each, recognizer, detector, threshold, min_face) for each in picture]
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
    """One row per face: number, label, certain or not, confidence, box, detector's score, and the probabilities.

    Numbers and pixels are int64, scores and probabilities float64 with four decimals, without a face too.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise InputError("table", "pandas", "none installed", "pip install pandas") from error

    types: dict[str, type] = {"face": int, "label": str, "certain": bool, "confidence": float}
    types |= dict.fromkeys(("left", "top", "right", "bottom"), int) | dict.fromkeys(("detection", *EMOTIONS), float)
    rows = []
    for face in (each.to_dict() for each in faces):
        first = face["number"], face["label"], face["certain"], face["confidence"]
        rows.append((*first, *face["box"], face["detection"], *face["probabilities"].values()))
    return pd.DataFrame(rows, columns=list(types)).astype(types)
