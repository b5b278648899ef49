"""Work that takes longer than a look: it has a thread of its own, and reruns of a page neither end it nor touch it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator

import streamlit as st

from facial_emotion.views.language import count, t

_INTERVAL = 0.4  # seconds between two looks at a job
_AT_ONCE = 0.5  # seconds in which most single pictures are done, so that no progress flickers
_STOPPING = 10.0  # seconds that a step may take
_FORETOLD = 3.0  # seconds of work after which the time that is left can be told


class Job:
    """Steps that a thread takes one after the other, until there are no more or ``stop`` is called.

    steps: yields the share that is done, 0-1, after each of them; when it is stopped it is closed, in the same thread.
    """

    def __init__(self, steps: Generator[float]) -> None:
        self.share = 0.0
        self.error: Exception | None = None  # what ended it early
        self._steps, self._began = steps, time.monotonic()
        self._stopped, self._ended = threading.Event(), threading.Event()
        threading.Thread(target=self._run, name="job", daemon=True).start()

    @property
    def finished(self) -> bool:
        """Whether the thread has ended."""
        return self._ended.is_set()

    @property
    def seconds_left(self) -> float | None:
        """The seconds that the rest will take at the pace so far; None where that can't be told yet."""
        spent = time.monotonic() - self._began
        return spent * (1 / self.share - 1) if self.share and spent > _FORETOLD else None

    def wait(self, seconds: float) -> bool:
        """Wait for the end, but no longer than this; whether it has come."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """End after the step at work; what is done is kept."""
        self._stopped.set()

    def end(self) -> None:
        """Stop, and wait until the step at work is done."""
        self.stop()
        self.wait(_STOPPING)

    def _run(self) -> None:
        try:
            for share in self._steps:
                self.share = share
                if self._stopped.is_set():
                    break
            self._steps.close()
        except Exception as error:  # the page that looks at it says so
            self.error = error
        finally:
            self._ended.set()


def wait_for(job: Job, label: Callable[[], str], draw: Callable[[], None] = lambda: None) -> None:
    """Show a job at work, with a way to stop it, and the page again at its end; nothing for one that ends at once.

    label: what is at work; draw: more that is drawn each time.
    """
    if job.wait(_AT_ONCE):
        return

    @st.fragment(run_every=_INTERVAL)
    def look() -> None:
        if job.finished:
            st.rerun()
        st.progress(job.share, label() + _left(job))
        st.button(t("Stop, and keep what is done"), key="stop", on_click=job.end, icon=":material/stop:")
        draw()

    look()
    st.stop()


def _left(job: Job) -> str:
    """The time that a job will still take, in words; empty where it can't be told."""
    seconds = job.seconds_left
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes:
        return " · " + count(minutes, "{number} minute left", "{number} minutes left")
    return " · " + t("{number} s left", number=max(1, round(seconds)))
