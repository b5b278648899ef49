"""Emotion recognition on a video stream: detection, tracking, temporal smoothing, and timings per stage.

It knows no screen or browser. ``Stream.process`` is called by one thread; another thread may change the settings at any
time, and they apply from the next frame on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from facial_emotion.features.crops import CROP_SIDE, crop_transforms, cut_crops
from facial_emotion.features.faces import DEFAULT_SEARCH, Faces, Search, find_faces, in_video
from facial_emotion.recognizers import Recognizer, log_of
from facial_emotion.scene import Face
from facial_emotion.video import tracking
from facial_emotion.video.record import Record

TRACK_TIMEOUT = 0.7  # seconds without a detection after which a track ends
TIME_BUDGET = 0.6  # share of the time between two frames that processing may take
MAX_FRAME_INTERVAL = 1000 / 25  # milliseconds: a slower source gets no larger budget
STAGES = ("detect", "track", "crop", "recognise")
MAX_DETECTION_INTERVAL = 8  # frames
HISTORY_SECONDS = 30.0  # duration of the chart
HOLD = 0.3  # seconds that keep a label from flickering for people who watch, see ``Settings.hold``
_WARM_UP = 5  # frames with a detection each, before the mean times are used
_MEAN_DECAY = 0.9  # per frame, of the exponential moving averages of times


@dataclass(frozen=True)
class Settings:
    """Settings of a stream.

    smoothing: time constant in seconds, 0 disables; search: how faces are looked for, see ``faces.in_video``;
    detection_interval: frames from one detection to the next, 0 sets it by the measured times; track_timeout: seconds
    without a detection after which a track ends; hold: seconds for which another emotion must lead before it becomes
    the label, 0 makes the most probable one the label at once.
    """

    recognizer: Recognizer
    smoothing: float = 0.3
    search: Search = DEFAULT_SEARCH
    detection_interval: int = 0
    track_timeout: float = TRACK_TIMEOUT
    hold: float = 0.0


@dataclass(frozen=True)
class FrameResult:
    """The result for one frame.

    stages: milliseconds of its stages; means: their moving averages; detection_interval: frames, as it was applied;
    frames_per_second: the source's.
    """

    faces: list[Face]
    model: str
    stages: dict[str, float]
    means: dict[str, float]
    detection_interval: int
    frames_per_second: float

    @property
    def frame_ms(self) -> float:
        """Mean milliseconds per frame; a detection is spread over its interval."""
        return sum(spent / (self.detection_interval if name == "detect" else 1) for name, spent in self.means.items())


@dataclass(eq=False)  # two tracks are never the same
class _Track:
    """A tracked face. box: float (4,); score, points (5, 2): of its last detection; crop: uint8 (48, 48), its last.

    transform: that crop's, as in ``scene.Face``; scene: a thumbnail of the frame that it was last seen in;
    log_probabilities: smoothed, (7,); emotion: the label's index; led_at: when it was last the most probable one;
    times in seconds.
    """

    number: int
    box: np.ndarray
    score: float
    points: np.ndarray
    crop: np.ndarray
    transform: np.ndarray
    scene: np.ndarray
    last_seen: float
    log_probabilities: np.ndarray | None = None
    smoothed_at: float = 0.0
    emotion: int = -1
    led_at: float = 0.0


@dataclass
class Stream:
    """The state of one video: tracks, mean times, and results.

    record: all results; recent: those of the last HISTORY_SECONDS, as time, face number and probabilities (7,).
    """

    settings: Settings
    record: Record = field(default_factory=Record)
    recent: deque[tuple[float, int, np.ndarray]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._tracks: list[_Track] = []
        self._last_number = 0
        self._shape: tuple[int, ...] = ()  # of the previous frame
        self._frames = 0
        self._since_detection = 0  # frames
        self._grey: np.ndarray | None = None  # the previous frame, where optical flow may need it
        self._last_time: float | None = None
        self._means: dict[str, float] = {}  # milliseconds per stage, and "interval" between frames

    def change(self, **settings: object) -> None:
        """Replace some settings; they apply from the next frame on."""
        with self._lock:
            self.settings = replace(self.settings, **settings)  # type: ignore[arg-type]

    def process(self, rgb: np.ndarray, now: float | None = None) -> FrameResult:
        """Recognise the faces of one frame, uint8 RGB (h, w, 3). now: its time in seconds, by default the clock's."""
        now = time.monotonic() if now is None else now
        settings = self.settings
        if not rgb.size:  # a camera's empty frame changes nothing
            means = {name: self._means.get(name, 0.0) for name in STAGES}
            return FrameResult([], settings.recognizer.name, {}, means, 1, self._frames_per_second())
        stages: dict[str, float] = {}
        interval = settings.detection_interval or self._detection_interval()
        self._rescale_tracks(rgb.shape[:2])
        with _timed(stages, "track"):
            grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) if interval > 1 else None
        if self._since_detection + 1 >= interval or self._grey is None or grey is None:
            with _timed(stages, "detect"):
                detections = find_faces(rgb, *in_video(settings.search, rgb))
            with _timed(stages, "crop"):
                transforms = crop_transforms(detections)
                crops = cut_crops(rgb, transforms)
            with _timed(stages, "track"):
                self._associate(detections, transforms, crops, tracking.thumbnail(rgb), now)
            self._since_detection = 0
        else:
            with _timed(stages, "track"):
                self._propagate(self._grey, grey, now)
            with _timed(stages, "crop"):
                self._crop_again(rgb, now)
            self._since_detection += 1
        self._grey = grey
        visible = [track for track in self._tracks if track.last_seen == now]
        with _timed(stages, "recognise"):
            crops = np.array([track.crop for track in visible], dtype=np.uint8).reshape(-1, CROP_SIDE, CROP_SIDE)
            logs = log_of(settings.recognizer.predict_proba(crops))
        faces = [_smoothed_face(track, log, now, settings) for track, log in zip(visible, logs, strict=True)]
        self._append_results(faces, now, settings.recognizer.name)
        self._update_means(stages, now)
        means = {name: self._means.get(name, 0.0) for name in STAGES}
        return FrameResult(faces, settings.recognizer.name, stages, means, interval, self._frames_per_second())

    def history(self) -> list[tuple[float, int, np.ndarray]]:
        """Time, face number and probabilities (7,) over the last HISTORY_SECONDS, oldest first."""
        with self._lock:
            return list(self.recent)

    def _rescale_tracks(self, shape: tuple[int, ...]) -> None:
        """Scale the tracks' boxes to a new frame size: a busy browser sends smaller frames of the same scene."""
        if self._shape and shape != self._shape:
            scale = np.array(shape[::-1]) / self._shape[::-1]
            for track in self._tracks:
                track.box, track.points = track.box * np.tile(scale, 2), track.points * scale
            self._grey = None
        self._shape = shape

    def _associate(
        self, detections: Faces, transforms: np.ndarray, crops: np.ndarray, scene: np.ndarray, now: float
    ) -> None:
        """Update the tracks with detections: end old tracks, and start new ones for unmatched detections.

        transforms (n, 2, 3), crops uint8 (n, 48, 48): of the detections; scene: the frame's thumbnail. After a cut, and
        from one frame to the next, a track goes on only with a face that looks the same.
        """
        self._tracks = [track for track in self._tracks if now - track.last_seen <= self.settings.track_timeout]
        boxes = np.array([track.box for track in self._tracks]).reshape(-1, 4)
        pairs = dict(tracking.associate(boxes, detections.boxes))
        ended = []
        for index, detection in list(pairs.items()):
            track = self._tracks[index]
            at_once = now - track.last_seen <= tracking.AT_ONCE
            cut = at_once or tracking.similarity(track.scene, scene) < tracking.SAME_SCENE
            if cut and tracking.similarity(track.crop, crops[detection]) < tracking.SAME_FACE:
                ended.append(track)
                del pairs[index]
                continue
            track.box, track.points = detections.boxes[detection].astype(float), detections.points[detection]
            track.score, track.crop, track.scene = float(detections.scores[detection]), crops[detection], scene
            track.transform, track.last_seen = transforms[detection], now
        self._tracks = [track for track in self._tracks if track not in ended]
        for index in sorted(set(range(len(detections))) - set(pairs.values())):
            self._last_number += 1
            box, score, points = detections.boxes[index], float(detections.scores[index]), detections.points[index]
            look = crops[index], transforms[index], scene
            self._tracks.append(_Track(self._last_number, box.astype(float), score, points, *look, now))

    def _crop_again(self, rgb: np.ndarray, now: float) -> None:
        """Crop the tracks that were propagated to this frame."""
        visible = [track for track in self._tracks if track.last_seen == now]
        if visible:
            boxes, scores = np.array([track.box for track in visible]), np.array([track.score for track in visible])
            points = np.array([track.points for track in visible])
            faces = Faces(boxes, scores, points, self.settings.search.detector)
            transforms = crop_transforms(faces)
            for track, crop, transform in zip(visible, cut_crops(rgb, transforms), transforms, strict=True):
                if tracking.similarity(track.crop, crop) < tracking.SAME_FACE:
                    self._since_detection = MAX_DETECTION_INTERVAL  # detect in the next frame: it may be another face
                else:
                    track.crop, track.transform = crop, transform

    def _propagate(self, previous: np.ndarray, current: np.ndarray, now: float) -> None:
        """Propagate the tracks that were visible in the previous grey frame to the current one by optical flow."""
        visible = [track for track in self._tracks if track.last_seen == self._last_time]
        boxes = np.array([track.box for track in visible]).reshape(-1, 4)
        boxes, reliable = tracking.propagate(previous, current, boxes)
        height, width = current.shape
        for track, box, is_reliable in zip(visible, boxes, reliable, strict=True):
            inside = box[0] < width and box[1] < height and box[2] > 0 and box[3] > 0
            if is_reliable and inside:
                track.points = tracking.moved(track.points, track.box, box)
                track.box, track.last_seen = box, now
            else:
                self._since_detection = MAX_DETECTION_INTERVAL  # detect in the next frame: a track is lost

    def _append_results(self, faces: list[Face], now: float, model: str) -> None:
        with self._lock:
            for face in faces:
                self.record.add(now, face, model)
                self.recent.append((now, face.number, face.probabilities))
            while self.recent and now - self.recent[0][0] > HISTORY_SECONDS:
                self.recent.popleft()

    def _update_means(self, stages: dict[str, float], now: float) -> None:
        """Update the exponential moving averages of the stages' times and of the time between frames."""
        if self._last_time is not None and now > self._last_time:
            stages = {**stages, "interval": (now - self._last_time) * 1000}
        for name, spent in stages.items():
            self._means[name] = _MEAN_DECAY * self._means.get(name, spent) + (1 - _MEAN_DECAY) * spent
        self._last_time = now
        self._frames += 1

    def _frames_per_second(self) -> float:
        return 1000 / self._means["interval"] if self._means.get("interval") else 0.0

    def _detection_interval(self) -> int:
        """Frames from one detection to the next; 1 until there are measured times."""
        return 1 if self._frames < _WARM_UP else detection_interval(self._means)


def detection_interval(means: Mapping[str, float]) -> int:
    """Frames from one detection to the next so that the mean processing time fits the time budget.

    means: milliseconds of each stage, and of the "interval" between frames.
    """
    if not means.get("interval"):
        return 1
    others = sum(means.get(name, 0.0) for name in ("crop", "recognise", "track"))
    available = TIME_BUDGET * min(means["interval"], MAX_FRAME_INTERVAL) - others
    if available <= 0:
        return MAX_DETECTION_INTERVAL
    return int(np.clip(np.ceil(means["detect"] / available), 1, MAX_DETECTION_INTERVAL))


def _smoothed_face(track: _Track, log: np.ndarray, now: float, settings: Settings) -> Face:
    """A track's face with smoothed probabilities.

    log: the frame's log-probabilities (7,), which update the track's exponential moving average. A sample's weight
    decays with time, not with frames: by 1/e in ``settings.smoothing`` seconds.
    """
    kept = 0.0
    if track.log_probabilities is not None and settings.smoothing > 0:
        kept = float(np.exp(-max(0.0, now - track.smoothed_at) / settings.smoothing))
    smoothed = log if track.log_probabilities is None else kept * track.log_probabilities + (1 - kept) * log
    track.log_probabilities, track.smoothed_at = smoothed, now
    exponentials = np.exp(smoothed - smoothed.max())
    probabilities = (exponentials / exponentials.sum()).astype(np.float32)
    first = int(probabilities.argmax())
    if track.emotion in (-1, first) or now - track.led_at >= settings.hold:
        track.emotion, track.led_at = first, now
    box, threshold = track.box.round().astype(int), settings.recognizer.threshold
    return Face(track.number, box, probabilities, track.crop, threshold, track.score, track.transform, track.emotion)


@contextmanager
def _timed(stages: dict[str, float], name: str) -> Iterator[None]:
    """Add the milliseconds of a block to a stage."""
    start = time.perf_counter()
    yield
    stages[name] = stages.get(name, 0.0) + (time.perf_counter() - start) * 1000
