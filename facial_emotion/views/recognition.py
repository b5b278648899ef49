"""The faces of a viewer's pictures: found once for each search, recognised once for each model, said in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from facial_emotion import recognizers, scene
from facial_emotion.errors import Error
from facial_emotion.features.crops import crop_transforms, cut_crops
from facial_emotion.features.faces import Faces, Search, as_allowed, find_faces
from facial_emotion.scene import Face
from facial_emotion.views import jobs, pictures, visits
from facial_emotion.views.jobs import Job
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.pictures import Content, Picture
from facial_emotion.views.sidebar import ViewerSettings

EMOJI = {"happy": "😀", "neutral": "😐", "surprise": "😮", "sad": "😢", "angry": "😠", "fear": "😨", "disgust": "🤢"}
UNCERTAIN, _UNKNOWN = translatable("uncertain"), "?"  # fonts without emojis have it too
_LEAST = 0.05  # of the time: emotions with less are not named


@dataclass(frozen=True)
class Detected:
    """The faces that were found in a picture. crops: uint8 (n, 48, 48); transforms: (n, 2, 3), as they were cut."""

    faces: Faces
    crops: np.ndarray
    transforms: np.ndarray

    def recognised(self, name: str) -> list[Face]:
        """The faces as a model recognises them."""
        return scene.classify(self.faces, self.crops, recognizers.load(name), self.transforms)


@dataclass(frozen=True)
class Recognised:
    """A picture's faces. number: of the picture among the viewer's; error: why it has none."""

    number: int
    name: str
    faces: list[Face] = field(default_factory=list)
    error: Error | None = None


class Recognition:
    """The recognition of a viewer's pictures: a job, and what it found so far.

    What was found by another model is taken over, so that a change of models looks for no face again.
    """

    def __init__(self, visit: visits.Visit, settings: ViewerSettings) -> None:
        self.asked = tuple(visit.pictures), settings.name, settings.search
        self.found: list[Recognised] = []
        self.decoded: tuple[Content, Picture] | None = None  # the last one
        self._detections, self._looks = visit.detected, visit.looks
        self.job = Job(self._run())

    def _run(self) -> Generator[float]:
        contents, name, search = self.asked
        recognizers.load(name)
        for number, content in enumerate(contents):
            try:
                faces = self._detected(content, search).recognised(name)
                self.found.append(Recognised(number, content[0], faces))
            except Error as error:
                self.found.append(Recognised(number, content[0], error=error))
            yield (number + 1) / len(contents)

    def _detected(self, content: Content, search: Search) -> Detected:
        if (content, search) not in self._detections:
            picture = pictures.decode(*content)
            self._detections[content, search] = _detect(picture, search)
            self._looks[content] = pictures.look(picture.rgb)
            self.decoded = content, picture
        return self._detections[content, search]


def _detect(picture: Picture, search: Search) -> Detected:
    faces = find_faces(picture.rgb, *as_allowed(search, picture.rgb))
    transforms = crop_transforms(faces)
    return Detected(faces, cut_crops(picture.rgb, transforms), transforms)


def detected(content: Content, picture: Picture, search: Search) -> Detected:
    """The faces of a picture that was decoded, found once for each search."""
    known = visits.current().detected
    if (content, search) not in known:
        known[content, search] = _detect(picture, search)
    return known[content, search]


def recognise_all(settings: ViewerSettings) -> list[Recognised]:
    """The viewer's pictures with their faces, as far as they are done; before that the page shows the job at work."""
    visit = visits.current()
    asked = tuple(visit.pictures), settings.name, settings.search
    running = visit.recognition
    if running is None or running.asked != asked:
        if running is not None:
            running.job.stop()
        visit.recognition = running = Recognition(visit, settings)
    jobs.wait_for(running.job, lambda: at_work(running))
    if running.job.error is not None:
        raise running.job.error
    if running.decoded is not None:
        pictures.hold(*running.decoded)
        running.decoded = None
    return running.found


def at_work(running: Recognition) -> str:
    """How far a recognition has come, in words."""
    contents, number = running.asked[0], len(running.found)
    name = pictures.title(contents[min(number, len(contents) - 1)][0])
    return t("{number} of {pictures}: {name}", number=number, pictures=len(contents), name=name)


def go_on() -> None:
    """Recognise the pictures that are left after a stop."""
    visits.current().recognition = None


def emoji(face: Face) -> str:
    """A face's emotion as an emoji."""
    return EMOJI[face.label] if face.certain else _UNKNOWN


def uncertain(face: Face) -> str:
    """What is added to an answer that is not certain; empty for others."""
    return "" if face.certain else f" · {t(UNCERTAIN)}"


def answer(found: Sequence[Recognised]) -> str:
    """What was found, in a sentence: "5 faces: 😀 4 happy, 😐 1 neutral"."""
    labels = Counter(face.label if face.certain else UNCERTAIN for each in found for face in each.faces)
    number = labels.total()
    faces = count(number, "{number} face", "{number} faces") if number else t("No face")
    if len(found) > 1:
        faces = t("{faces} in {pictures} pictures", faces=faces, pictures=len(found))
    parts = []
    for label, times in labels.most_common():
        name = t(label) if number == 1 else t("{times} {emotion}", times=times, emotion=t(label))
        parts.append(f"{EMOJI.get(label, _UNKNOWN)} {name}")
    return f"{faces}: {', '.join(parts)}" if parts else faces


def in_shares(shares: Mapping[str, float]) -> str:
    """Emotions with their shares of the time: "😀 happy 62%, 😐 neutral 38%"."""
    return ", ".join(f"{EMOJI[name]} {t(name)} {share:.0%}" for name, share in shares.items() if share >= _LEAST)
