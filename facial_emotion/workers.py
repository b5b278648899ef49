"""Set-up of worker processes: Ctrl-C is handled by the parent, and workers end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def become_worker() -> None:
    """Make this process a worker: ignore SIGINT and exit when the parent exits. Call it first in the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Without this, a worker whose parent was killed would wait for tasks for ever.
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
