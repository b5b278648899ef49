"""One frame after another: faces with stable numbers and calm probabilities, and what each stage took.

Nothing here knows of a screen or a browser. ``Stream.process`` is called by one thread; settings may be replaced by
another at any time and hold from the next frame on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from facial_emotion.features.faces import THRESHOLD, crop_faces, find_faces
from facial_emotion.recognizers import Recognizer, log_of
from facial_emotion.scene import Face
from facial_emotion.video import follow
from facial_emotion.video.record import Record

FORGOTTEN = 0.7  # seconds
BUDGET = 0.6  # share of the time between two frames that work may take
STAGES = ("find", "follow", "crop", "recognise")
MOST = 8  # frames from one detection to the next, at most
RECENT = 30.0  # seconds that the chart shows
_MEMORY = 0.9  # of running means, a frame


@dataclass(frozen=True)
class Settings:
    """What a viewer chose. smoothing: seconds after which an old expression counts 1/e; threshold: of the detector."""

    recognizer: Recognizer
    smoothing: float = 0.3
    threshold: float = THRESHOLD
    every: int = 0  # frames from one detection to the next; 0: as the measured times allow
    forgotten: float = FORGOTTEN  # seconds after which a face that is not found again is a new one


@dataclass(frozen=True)
class View:
    """What is known of one frame. stages: its milliseconds; means: of the last that had them; every: as chosen."""

    faces: list[Face]
    model: str
    stages: dict[str, float]
    means: dict[str, float]
    every: int
    frames_per_second: float

    @property
    def frame_ms(self) -> float:
        """Milliseconds that a frame takes, with its share of a detection."""
        return sum(spent / (self.every if name == "find" else 1) for name, spent in self.means.items())


@dataclass
class _Track:
    number: int
    box: np.ndarray  # float (4,)
    seen: float  # when it was last found
    logs: np.ndarray | None = None  # smoothed log-probabilities (7,)
    smoothed: float = 0.0  # when


@dataclass
class Stream:
    """The state of one video: its tracks, running times and record."""

    settings: Settings
    record: Record = field(default_factory=Record)
    recent: deque[tuple[float, int, np.ndarray]] = field(default_factory=deque)  # time, face, probabilities

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._tracks: list[_Track] = []
        self._named = 0  # faces that have a number
        self._shape: tuple[int, ...] = ()  # of the frame before
        self._frames = 0
        self._since_detection = 0
        self._grey: np.ndarray | None = None
        self._last: float | None = None
        self._means: dict[str, float] = {}  # milliseconds by stage, and "interval"

    def change(self, **settings: object) -> None:
        """Replace some settings; they hold from the next frame on."""
        with self._lock:
            self.settings = replace(self.settings, **settings)  # type: ignore[arg-type]

    def process(self, rgb: np.ndarray, now: float | None = None) -> View:
        """Recognise one frame, uint8 RGB (h, w, 3). now: its time in seconds, by default the clock's."""
        now = time.monotonic() if now is None else now
        settings = self.settings
        stages: dict[str, float] = {}
        every = settings.every or self._affordable()
        self._fit(rgb.shape[:2])
        with _timed(stages, "follow"):
            grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) if every > 1 else None
        if self._since_detection + 1 >= every or self._grey is None or grey is None:
            with _timed(stages, "find"):
                found = find_faces(rgb, settings.threshold)
            self._meet(found, now)
            self._since_detection = 0
        else:
            with _timed(stages, "follow"):
                self._carry(self._grey, grey, now)
            self._since_detection += 1
        self._grey = grey
        present = [track for track in self._tracks if track.seen == now]
        with _timed(stages, "crop"):
            crops = crop_faces(rgb, np.array([track.box.round() for track in present]).reshape(-1, 4).astype(int))
        with _timed(stages, "recognise"):
            logs = log_of(settings.recognizer.predict_proba(crops))
        faces = [
            _face(track, new, crop, now, settings.smoothing, settings.recognizer.threshold)
            for track, new, crop in zip(present, logs, crops, strict=True)
        ]
        self._note(faces, now)
        self._measure(stages, now)
        means = {name: self._means.get(name, 0.0) for name in STAGES}
        return View(faces, settings.recognizer.name, stages, means, every, self._rate())

    def history(self) -> list[tuple[float, int, np.ndarray]]:
        """Time, face number and probabilities of the last seconds, oldest first."""
        with self._lock:
            return list(self.recent)

    def _fit(self, shape: tuple[int, ...]) -> None:
        """A busy browser sends smaller frames of the same scene: the boxes shrink with them."""
        if self._shape and shape != self._shape:
            scale = np.array(shape[::-1]) / self._shape[::-1]
            for track in self._tracks:
                track.box = track.box * np.tile(scale, 2)
            self._grey = None
        self._shape = shape

    def _meet(self, found: np.ndarray, now: float) -> None:
        """Give found boxes to the tracks that they go on, or to new ones; forget what is long gone."""
        self._tracks = [track for track in self._tracks if now - track.seen <= self.settings.forgotten]
        known = np.array([track.box for track in self._tracks]).reshape(-1, 4)
        pairs = dict(follow.match(known, found))
        for index, track in enumerate(self._tracks):
            if index in pairs:
                track.box, track.seen = found[pairs[index]].astype(float), now
        for index in sorted(set(range(len(found))) - set(pairs.values())):
            self._named += 1
            self._tracks.append(_Track(self._named, found[index].astype(float), now))

    def _carry(self, before: np.ndarray, after: np.ndarray, now: float) -> None:
        """Move the tracks of the frame before to this one."""
        present = [track for track in self._tracks if track.seen == self._last]
        boxes, sure = follow.moved(before, after, np.array([track.box for track in present]).reshape(-1, 4))
        height, width = after.shape
        for track, box, trusted in zip(present, boxes, sure, strict=True):
            inside = box[0] < width and box[1] < height and box[2] > 0 and box[3] > 0
            if trusted and inside:
                track.box, track.seen = box, now
            else:
                self._since_detection = MOST  # who is lost is looked for in the next frame

    def _note(self, faces: list[Face], now: float) -> None:
        with self._lock:
            for face in faces:
                self.record.add(now, face.number, face.box, face.probabilities)
                self.recent.append((now, face.number, face.probabilities))
            while self.recent and now - self.recent[0][0] > RECENT:
                self.recent.popleft()

    def _measure(self, stages: dict[str, float], now: float) -> None:
        if self._last is not None and now > self._last:
            stages = {**stages, "interval": (now - self._last) * 1000}
        for name, spent in stages.items():
            self._means[name] = _MEMORY * self._means.get(name, spent) + (1 - _MEMORY) * spent
        self._last = now
        self._frames += 1

    def _rate(self) -> float:
        """Frames a second, as they come."""
        return 1000 / self._means["interval"] if self._means.get("interval") else 0.0

    def _affordable(self) -> int:
        """So many frames from one detection to the next that the work fits between two frames."""
        if self._frames < 5 or not self._means.get("interval"):
            return 1
        rest = sum(self._means.get(name, 0.0) for name in ("crop", "recognise", "follow"))
        room = BUDGET * min(self._means["interval"], 1000 / 25) - rest
        return MOST if room <= 0 else int(np.clip(np.ceil(self._means["find"] / room), 1, MOST))


def _face(track: _Track, new: np.ndarray, crop: np.ndarray, now: float, seconds: float, threshold: float) -> Face:
    """A track's face with its log-probabilities (7,) smoothed over time (a running mean that forgets by the clock)."""
    kept = 0.0 if track.logs is None or seconds <= 0 else float(np.exp(-(now - track.smoothed) / seconds))
    track.logs = new if track.logs is None else kept * track.logs + (1 - kept) * new
    track.smoothed = now
    powers = np.exp(track.logs - track.logs.max())
    return Face(
        track.number, track.box.round().astype(int), (powers / powers.sum()).astype(np.float32), crop, threshold
    )


@contextmanager
def _timed(stages: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    stages[name] = stages.get(name, 0.0) + (time.perf_counter() - start) * 1000
