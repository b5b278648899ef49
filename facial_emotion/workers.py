"""Set-up of worker processes: Ctrl-C is handled by the parent, and workers end with it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

from facial_emotion.errors import InputError


def check_main_guard() -> None:
    """Raise InputError where the program is a script whose work would begin again in every process that imports it."""
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if path is None or main.__spec__ is not None:  # typed in, or run as a module, which has a guard
        return
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if "__main__" not in Path(path).read_text(encoding="utf-8"):
            advice = "every process imports the script, and would start it again"
            raise InputError("processes", 'a script whose work is under if __name__ == "__main__":', path, advice)


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
