"""Request limits, JSON bodies and errors of the HTTP interface."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel
from starlette.exceptions import HTTPException

from facial_emotion import limits
from facial_emotion.features.emotions import EMOTIONS

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")  # of pictures, by Pillow's names
FORM = "multipart/form-data"
# Media types of a request's body that is a picture.
PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/bmp", "application/octet-stream")


@dataclass(frozen=True)
class Limits:
    """Limits of the server. body: bytes; pixels: of a picture; waiting: pending requests; seconds: per request."""

    body: int = limits.BODY
    pixels: int = limits.SERVED
    waiting: int = limits.WAITING
    seconds: float = limits.SECONDS


class Face(BaseModel):
    """A face, numbered from left to right; its box is left, top, right, bottom in pixels.

    detection: the score of the detector.
    """

    number: int
    box: list[int]
    detection: float
    label: Literal[EMOTIONS]  # type: ignore[valid-type]
    certain: bool
    confidence: float
    probabilities: dict[str, float]


class Recognition(BaseModel):
    """The faces of a picture."""

    model: str
    width: int
    height: int
    faces: list[Face]


class Model(BaseModel):
    """A trained model. Below the threshold, and on a face without contrast, a label is uncertain.

    labels: those that it answers with, FER2013's, the share of people who would say so, or that without favour for
    common emotions ("balanced"). Accuracy and macro-F1 are against FER2013's labels of PrivateTest; mean_recall of the
    emotions: by the labels that it answers with; people_choice and clear_faces: accuracy where people's most frequent
    answer is the label, on all such rows and on those where over half of the people gave it.
    """

    name: str
    track: str
    labels: str
    accuracy: float
    macro_f1: float
    mean_recall: float
    people_choice: float | None
    clear_faces: float | None
    threshold: float
    licence: str
    default: bool


class Error(BaseModel):
    """An error: a stable code, and a message whose wording may change."""

    code: str
    message: str


class ErrorResponse(BaseModel):
    """The body of every error response."""

    error: Error


class ApiError(HTTPException):
    """An error response with a code of its own."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message, headers)
        self.code = code


def too_slow() -> ApiError:
    """The error for requests that took longer than the time limit."""
    return ApiError(504, "too_slow", "the request took longer than the time limit", {"Connection": "close"})


def starting(failure: str = "") -> ApiError:
    """The error for requests before the models are loaded. failure: why a worker did not start again, if it is that."""
    if failure:
        return ApiError(503, "no_worker", f"a worker can't be started: {failure}", {"Retry-After": "10"})
    return ApiError(503, "starting", "the models are being loaded", {"Retry-After": "2"})
