"""Processes that work for another one: they leave Ctrl-C to it, and never outlive it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def begin() -> None:
    """Make this process a worker. Called first in it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whoever waits for work from a process that was killed would wait for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
