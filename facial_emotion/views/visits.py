"""What a viewer has given, and what was found in it: kept on the server for an hour, so that a reload finds it again.

A reload begins a new session of Streamlit. The key of the visit, which nobody can guess, lies in a cookie of the
browser (browser.js) and not in the page's address, which may be sent to others.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

import streamlit as st

from facial_emotion.features.faces import Search
from facial_emotion.views.jobs import Job

Content = tuple[str, bytes | None]  # a picture's name, and the encoded picture: an example has none
COOKIE = "facial-emotion-visit"  # also its key in the session
KEPT = 3600.0  # seconds after the last look
_MOST = 1_000_000_000  # bytes of all visits: beyond, those that were not looked at for longest are forgotten
_CHECKED = 60.0  # seconds between two checks of what is over


class Work(Protocol):
    """What has a job: see ``recognition.Recognition`` and ``video.Film``."""

    job: Job


class Given(Work, Protocol):
    """Work on something that was given. size: in bytes."""

    size: int


@dataclass(eq=False)
class Visit:
    """A viewer's pictures and video, and what was found in them.

    detected: faces of pictures, see ``recognition.detect``; looks: small ones of pictures, as data URLs; recognitions:
    by model and search; corrections: labels that the viewer gave to faces; marked: numbers of marked faces, by
    pictures' numbers; times: how many times pictures were given; seen: when all was last looked at, by the monotonic
    clock in seconds.
    """

    pictures: list[Content] = field(default_factory=list)
    detected: dict[tuple[Content, Search], object] = field(default_factory=dict)
    looks: dict[Content, str] = field(default_factory=dict)
    recognitions: dict[tuple[str, Search], Work] = field(default_factory=dict)
    corrections: dict[tuple[Content, Search, int], str] = field(default_factory=dict)
    marked: dict[int, int | None] = field(default_factory=dict)
    times: int = 0
    film: Given | None = None
    seen: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """Bytes of what was given."""
        return sum(len(content or b"") for _, content in self.pictures) + (self.film.size if self.film else 0)

    def keep(self, contents: list[Content]) -> None:
        """Make these the viewer's pictures; what is known of those that were there before stays."""
        self.stop_recognitions()
        known = set(contents)
        self.detected = {key: value for key, value in self.detected.copy().items() if key[0] in known}
        self.looks = {content: look for content, look in self.looks.copy().items() if content in known}
        self.corrections = {key: label for key, label in self.corrections.items() if key[0] in known}
        self.pictures, self.marked = contents, {}
        self.times += 1

    def stop_recognitions(self) -> None:
        """Stop the recognitions of pictures that are at work, and forget all of them."""
        for each in self.recognitions.copy().values():
            each.job.stop()
        self.recognitions = {}

    def remove_film(self) -> None:
        """Stop the analysis of the video and forget it; its files are deleted."""
        if self.film is not None:
            self.film.job.end()
        self.film = None


_visits: dict[str, Visit] = {}
_lock = threading.Lock()


def current() -> Visit:
    """The viewer's visit: the session's, that of the browser's cookie, or a new one."""
    for key in (st.session_state.get(COOKIE), st.context.cookies.get(COOKIE)):
        with _lock:
            visit = _visits.get(key or "")
            if visit is not None:
                visit.seen = time.monotonic()
                st.session_state[COOKIE] = key
                return visit
    _start_to_forget()
    st.session_state[COOKIE] = key = secrets.token_urlsafe(16)
    with _lock:
        _visits[key] = new = Visit()
    return new


def cookie() -> dict[str, str | float]:
    """The cookie that the browser is to keep: its name, its value, and its seconds."""
    current()
    return {"name": COOKIE, "value": st.session_state[COOKIE], "seconds": KEPT}


def forget(now: float) -> None:
    """Forget what is over at a time of the monotonic clock."""
    with _lock:
        size, over = 0, []
        for key, visit in sorted(_visits.items(), key=lambda item: -item[1].seen):
            size += visit.size
            unseen = now - visit.seen
            if unseen > KEPT or (size > _MOST and unseen > _CHECKED):
                over.append(_visits.pop(key))
    for visit in over:
        visit.stop_recognitions()
        visit.remove_film()


@st.cache_resource(show_spinner=False)
def _start_to_forget() -> None:
    """Forget what is over from now on, in a thread, so that it is done when nobody visits too."""

    def run() -> None:
        while True:
            time.sleep(_CHECKED)
            forget(time.monotonic())

    threading.Thread(target=run, name="forget", daemon=True).start()
