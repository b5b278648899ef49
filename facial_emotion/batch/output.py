"""Rows into a file, so that a kill at any moment leaves whole rows, and a later run can go on.

Beside the results stands a journal: how many sources are done, and how long the file was then. Going on cuts the file
back to that length. Parquet can't grow row by row: its rows are kept as JSON lines until the end.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from facial_emotion.batch.rows import COLUMNS, Options, Row
from facial_emotion.batch.sources import Source
from facial_emotion.errors import InputError, OutputError
from facial_emotion.features.emotions import EMOTIONS

_OFTEN = 0.5  # seconds from one note in the journal to the next, at least


def to_csv(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as lines of CSV; None is empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def to_lines(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as lines of JSON."""
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


def to_parquet(lines: Path, out: Path) -> None:
    """A file of JSON lines as Parquet, a block at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"source": pa.string(), "seconds": pa.float64(), "label": pa.string(), "certain": pa.bool_()}
    kinds |= dict.fromkeys(EMOTIONS, pa.float32())
    schema = pa.schema([(name, kinds.get(name, pa.int32())) for name in COLUMNS])
    scratch = out.with_name(out.name + ".part")
    with pq.ParquetWriter(scratch, schema) as writer, lines.open(encoding="utf-8") as stream:
        while block := stream.readlines(1 << 22):
            writer.write_table(pa.Table.from_pylist([json.loads(line) for line in block], schema=schema))
    scratch.replace(out)


# By suffix: how rows are kept, what stands first, and what is made of the file at the end.
FORMS: dict[str, tuple[Callable[[Sequence[Sequence[Any]]], str], str, Callable[[Path, Path], None] | None]] = {
    ".csv": (to_csv, to_csv([COLUMNS]), None),
    ".jsonl": (to_lines, "", None),
    ".parquet": (to_lines, "", to_parquet),
}


class Output:
    """A file of results that is being written, the failures beside it, and the journal."""

    def __init__(self, out: Path, options: Options, sources: Sequence[Source], resume: bool, overwrite: bool) -> None:
        if out.suffix.lower() not in FORMS:
            raise InputError(out, f"a name that ends in {', '.join(FORMS)}", repr(out.suffix))
        self._as_text, head, self._at_end = FORMS[out.suffix.lower()]
        self._out, self._rows = out, out if self._at_end is None else out.with_name(out.name + ".rows")
        self.failed_path, self._journal = (out.with_name(f"{out.name}.{end}") for end in ("failed", "journal"))
        self._identity = {"options": json.loads(json.dumps(asdict(options))), "sources": _fingerprint(sources)}
        self.done, self.failures, self.rows, self._noted = 0, 0, 0, 0.0
        self._sizes = {"rows": 0, "failed": 0}
        if resume:
            self._go_on()
        else:
            for path in (out, self._journal):
                if path.exists() and not overwrite:
                    advice = "name another, or say --resume to go on or --overwrite to begin anew"
                    raise InputError(path, "nothing there yet", "a file", advice)
            out.parent.mkdir(parents=True, exist_ok=True)
        self._files = {
            name: _opened(path, self._sizes[name])
            for name, path in (("rows", self._rows), ("failed", self.failed_path))
        }
        if not resume:
            self._append("rows", head)
        self._mark()
        self.note()

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows, whole."""
        self.rows += len(rows)
        self._append("rows", self._as_text(rows))

    def fail(self, source: Source, reason: str) -> None:
        """List a source that could not be read."""
        self.failures += 1
        self._append("failed", to_csv([(source.path, reason)]))

    def close_source(self) -> None:
        """All of a source is written."""
        self.done += 1
        self._mark()
        if time.monotonic() - self._noted > _OFTEN:
            self.note()

    def note(self) -> None:
        """Write into the journal what is done: whole sources, whatever of the next one is in the file already."""
        for file in self._files.values():
            os.fsync(file)
        scratch = self._journal.with_name(self._journal.name + ".part")
        scratch.write_text(json.dumps({**self._identity, **self._marked}))
        scratch.replace(self._journal)
        self._noted = time.monotonic()

    def close(self, whole: bool) -> None:
        """Put the file into its last form and remove the journal, if all sources are done."""
        if not whole:
            self.note()
        for file in self._files.values():
            os.close(file)
        if not whole:
            return
        if self._at_end is not None:
            self._at_end(self._rows, self._out)
            self._rows.unlink()
        if not self.failures:
            self.failed_path.unlink()
        self._journal.unlink()

    def failed(self) -> list[tuple[str, str]]:
        """What could not be read, and why."""
        with self.failed_path.open(encoding="utf-8", newline="") as stream:
            return [(path, reason) for path, reason in csv.reader(stream)]

    def _mark(self) -> None:
        counts = {"done": self.done, "failures": self.failures, "rows": self.rows}
        self._marked = {"counts": counts, "sizes": dict(self._sizes)}

    def _go_on(self) -> None:
        try:
            state = json.loads(self._journal.read_text())
        except FileNotFoundError as error:
            raise InputError(self._journal, "the journal of a stopped run", "none", "start without --resume") from error
        except ValueError as error:
            raise InputError(self._journal, "a whole journal", str(error), "start with --overwrite") from error
        different = [key for key, value in self._identity.items() if state.get(key) != value]
        if different:
            advice = "go on with the same model, options and sources, or start with --overwrite"
            raise InputError(self._journal, "the run that was stopped", f"other {' and '.join(different)}", advice)
        self.done, self.failures, self.rows = (state["counts"][name] for name in ("done", "failures", "rows"))
        self._sizes = state["sizes"]

    def _append(self, name: str, text: str) -> None:
        if not text:
            return
        content = text.encode("utf-8", "surrogateescape")
        try:
            wrote = os.write(self._files[name], content)  # one call: a kill comes before it or after it
            if wrote != len(content):
                raise OSError(0, "no room for a whole row")
            self._sizes[name] += wrote
        except OSError as error:
            advice = "make room and go on with --resume"
            raise OutputError(self._rows, "room for the results", error.strerror or str(error), advice) from error


def _opened(path: Path, length: int) -> int:
    """A file open for appending after its first ``length`` bytes."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.ftruncate(file, length)
    return file


def _fingerprint(sources: Sequence[Source]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.path.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()
