"""What identifies a batch run, so that only the same one is resumed, and which runs are finished.

The identity of a finished run is kept in the cache, with the size of its results: where they were changed, or the cache
was emptied, the run is not known any more.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from facial_emotion import paths, recognizers
from facial_emotion.batch.rows import Options
from facial_emotion.batch.sources import Source
from facial_emotion.errors import InputError
from facial_emotion.records import Json, read_json


def identity(options: Options, sources: Sequence[Source]) -> Json:
    """What two runs have in common that write the same results: options, model and sources."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.path.encode("utf-8", "surrogateescape") + b"\0")
    return {
        "options": json.loads(json.dumps(asdict(options))),
        "model": recognizers.fingerprint(options.model),
        "sources": digest.hexdigest(),
    }


def is_state(state: object, counts: Sequence[str]) -> bool:
    """Whether a journal's content has the counts and sizes that it must have."""
    wanted = {"counts": counts, "sizes": ("rows", "failed")}
    return isinstance(state, dict) and all(
        isinstance(state.get(part), dict)
        and all(isinstance(state[part].get(name), int) and state[part][name] >= 0 for name in names)
        for part, names in wanted.items()
    )


def record_finished(out: Path, run: Json) -> None:
    """Remember that a run, by its identity, wrote these results; without a cache it is not remembered."""
    with contextlib.suppress(OSError):
        record = _record(out)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps({**run, "size": out.stat().st_size}))


def was_finished(out: Path, run: Json) -> bool:
    """Whether this run wrote these results to its end."""
    with contextlib.suppress(OSError, ValueError):
        known: object = read_json(_record(out))
        return known == {**run, "size": out.stat().st_size}
    return False


def _record(out: Path) -> Path:
    name = hashlib.sha256(str(out.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return paths.CACHE / "runs" / f"{name}.json"


def open_locked(path: Path) -> int:
    """A file descriptor for appending. No other run may have it open."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    if not _locked(file):
        os.close(file)
        raise InputError(path, "no other run that writes it", "one", "wait for it, or choose another name")
    return file


def _locked(file: int) -> bool:
    """Lock an open file against other runs, until it is closed; False where another run has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
