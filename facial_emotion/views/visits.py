"""What a viewer has given, and what was found in it: kept on the server for an hour, under an address of its own.

A reload begins a new session of Streamlit. The page's address then has the key of the visit, which nobody can guess.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from facial_emotion.features.faces import Search
    from facial_emotion.views.pictures import Content
    from facial_emotion.views.recognition import Detected, Recognition
    from facial_emotion.views.video import Film

KEY = "visit"  # in the session and in the page's address
KEPT = 3600.0  # seconds after the last look
_MOST = 1_000_000_000  # bytes of all visits: beyond, those that were not looked at for longest are forgotten
_CHECKED = 60.0  # seconds between two checks of what is over


@dataclass(eq=False)
class Visit:
    """A viewer's pictures and video, and what was found in them.

    detected: faces of pictures; looks: small ones of pictures, as data URLs; corrections: labels that the viewer gave
    to faces, by the numbers of picture and face; seen: when all was last looked at, by the monotonic clock in seconds.
    """

    pictures: list[Content] = field(default_factory=list)
    detected: dict[tuple[Content, Search], Detected] = field(default_factory=dict)
    looks: dict[Content, str] = field(default_factory=dict)
    corrections: dict[tuple[int, int], str] = field(default_factory=dict)
    recognition: Recognition | None = None
    film: Film | None = None
    seen: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """Bytes of what was given."""
        return sum(len(content or b"") for _, content in self.pictures) + (self.film.size if self.film else 0)

    def keep(self, contents: list[Content]) -> None:
        """Make these the viewer's pictures, of which nothing is known yet."""
        if self.recognition:
            self.recognition.job.stop()
        self.pictures, self.recognition = contents, None
        self.detected, self.looks, self.corrections = {}, {}, {}

    def end(self) -> None:
        """Stop what is at work; files are deleted with the visit."""
        if self.recognition:
            self.recognition.job.stop()
        if self.film:
            self.film.job.stop()


_visits: dict[str, Visit] = {}
_lock = threading.Lock()


def current() -> Visit:
    """The viewer's visit: the session's, that of the page's address, or a new one."""
    for key in (st.session_state.get(KEY), st.query_params.get(KEY)):
        with _lock:
            found = _visits.get(key or "")
            if found is not None:
                found.seen = time.monotonic()
                st.session_state[KEY] = key
                return found
    _start_to_forget()
    st.session_state[KEY] = key = secrets.token_urlsafe(16)
    with _lock:
        _visits[key] = new = Visit()
    return new


def address() -> dict[str, str]:
    """What the page's address needs to find the visit again; empty where there is nothing to find."""
    visit = current()
    return {KEY: st.session_state[KEY]} if visit.pictures or visit.film else {}


def forget(now: float) -> None:
    """Forget what is over at a time of the monotonic clock."""
    with _lock:
        size = 0
        for key, visit in sorted(_visits.items(), key=lambda item: -item[1].seen):
            size += visit.size
            unseen = now - visit.seen
            if unseen > KEPT or (size > _MOST and unseen > _CHECKED):
                visit.end()
                del _visits[key]


@st.cache_resource(show_spinner=False)
def _start_to_forget() -> None:
    """Forget what is over from now on, in a thread, so that it is done when nobody visits too."""

    def run() -> None:
        while True:
            time.sleep(_CHECKED)
            forget(time.monotonic())

    threading.Thread(target=run, name="forget", daemon=True).start()
