"""The faces of a viewer's pictures: found once for each search, recognised once for each model, said in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from facial_emotion import recognizers, scene
from facial_emotion.errors import Error
from facial_emotion.features.crops import crop_transforms, cut_crops
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import Faces, Search, as_allowed, find_faces
from facial_emotion.scene import Face
from facial_emotion.views import jobs, messages, pictures, visits
from facial_emotion.views.jobs import Job
from facial_emotion.views.language import count, t, translatable
from facial_emotion.views.pictures import Picture
from facial_emotion.views.sidebar import ViewerSettings
from facial_emotion.views.visits import Content, Visit

EMOJI = {"happy": "😀", "neutral": "😐", "surprise": "😮", "sad": "😢", "angry": "😠", "fear": "😨", "disgust": "🤢"}
_NARROW = 0.2  # probability by which neutral leads where the second emotion is said too
UNCERTAIN, _UNKNOWN = translatable("uncertain"), "?"  # fonts without emojis have it too
_ASKED = "asked"  # in the session: the model and the search of its last recognition
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
    """The recognition of a viewer's pictures: a job, and what it found so far. name: of the model."""

    def __init__(self, visit: Visit, name: str, search: Search) -> None:
        self.contents, self.found = tuple(visit.pictures), list[Recognised]()
        self.decoded: tuple[Content, Picture] | None = None  # that of a single picture, which is shown next
        self.job = Job(self._run(visit, name, search))

    def _run(self, visit: Visit, name: str, search: Search) -> Generator[float]:
        recognizers.load(name)
        for number, content in enumerate(self.contents):
            try:
                faces = detect(visit, content, search, self._decode).recognised(name)
                self.found.append(Recognised(number, content[0], faces))
            except Error as error:
                self.found.append(Recognised(number, content[0], error=error))
            yield (number + 1) / len(self.contents)

    def _decode(self, content: Content) -> Picture:
        picture = pictures.decode(*content)
        self.decoded = (content, picture) if len(self.contents) == 1 else None
        return picture


def detect(visit: Visit, content: Content, search: Search, decode: Callable[[Content], Picture]) -> Detected:
    """The faces of a picture, found once for each search, whatever model recognises them."""
    known = visit.detected.get((content, search))
    if isinstance(known, Detected):
        return known
    rgb = decode(content).rgb
    faces = find_faces(rgb, *as_allowed(search, rgb))
    transforms = crop_transforms(faces)
    visit.looks[content] = pictures.look(rgb)
    visit.detected[content, search] = detected = Detected(faces, cut_crops(rgb, transforms), transforms)
    return detected


def recognise_all(settings: ViewerSettings) -> list[Recognised]:
    """The viewer's pictures with their faces, as far as they are done; before that the page shows the job at work.

    Raises what ended the job early, and begins it again at the next run.
    """
    visit, key = visits.current(), (settings.name, settings.search)
    former = st.session_state.get(_ASKED, key)
    if former != key and former in visit.recognitions and not visit.recognitions[former].job.finished:
        visit.recognitions.pop(former).job.stop()
    st.session_state[_ASKED] = key
    running = visit.recognitions.get(key)
    if not isinstance(running, Recognition):
        visit.recognitions[key] = running = Recognition(visit, *key)
    jobs.wait_for(running.job, lambda: at_work(running))
    if running.job.error is not None:
        visit.recognitions.pop(key, None)
        raise running.job.error
    if running.decoded is not None:
        pictures.hold(*running.decoded)
        running.decoded = None
    return running.found


def go_on(settings: ViewerSettings) -> None:
    """Recognise the pictures that are left after a stop."""
    visits.current().recognitions.pop((settings.name, settings.search), None)


def at_work(running: Recognition) -> str:
    """How far a recognition has come, in words; the visit is looked at meanwhile."""
    visits.current()
    number, count_of_all = len(running.found), len(running.contents)
    name = pictures.title(running.contents[min(number, count_of_all - 1)][0])
    return t("{number} of {pictures}: {name}", number=number, pictures=count_of_all, name=messages.plain(name))


def emoji(face: Face) -> str:
    """A face's emotion as an emoji."""
    return EMOJI[face.label] if face.certain else _UNKNOWN


def uncertain(face: Face) -> str:
    """What is added to an answer that is not certain, or a neutral one that won narrowly; empty for others."""
    second, first = np.argsort(face.probabilities)[-2:]
    if not face.certain:
        return f" · {t(UNCERTAIN)}"
    narrow = face.probabilities[first] - face.probabilities[second] < _NARROW
    return f" {t('or {emotion}', emotion=t(EMOTIONS[second]))}" if EMOTIONS[first] == "neutral" and narrow else ""


def answer(recognised: Sequence[Recognised]) -> str:
    """What was found, in a sentence: "5 faces: 😀 4 happy, 😐 1 neutral"."""
    labels = Counter(face.label if face.certain else UNCERTAIN for each in recognised for face in each.faces)
    number = labels.total()
    faces = count(number, "{number} face", "{number} faces") if number else t("No face")
    if len(recognised) > 1:
        faces = t("{faces} in {pictures} pictures", faces=faces, pictures=len(recognised))
    parts = []
    for label, times in labels.most_common():
        name = t(label) if number == 1 else t("{times} {emotion}", times=times, emotion=t(label))
        parts.append(f"{EMOJI.get(label, _UNKNOWN)} {name}")
    return f"{faces}: {', '.join(parts)}" if parts else faces


def in_shares(shares: Mapping[str, float]) -> str:
    """Emotions with their shares of the time: "😀 happy 62%, 😐 neutral 38%"."""
    return ", ".join(f"{EMOJI[name]} {t(name)} {share:.0%}" for name, share in shares.items() if share >= _LEAST)
