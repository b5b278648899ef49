"""Crash-safe output of results: a kill at any moment leaves complete rows, and a later run can resume.

A journal beside the results stores how many sources are done, and the size of the results file at that point. Resuming
truncates the file to that size. Parquet files can't be appended to: rows are stored as JSON lines until the end.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from facial_emotion.batch import journal
from facial_emotion.batch.rows import COLUMNS, Options, Row, is_empty
from facial_emotion.batch.sources import Source
from facial_emotion.errors import InputError, OutputError, shown
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.paths import replacing
from facial_emotion.records import read_json

_COLUMNS = (*COLUMNS, "shares")  # the last one where shares of emotions were taken into account
_COUNTS = ("done", "failures", "rows", "without_face")
_JOURNAL_INTERVAL = 0.5  # seconds between two writes of the journal, at least


class _Progress(TypedDict):
    """The part of the journal that changes: counts of sources, failures and rows; sizes of the files in bytes."""

    counts: dict[str, int]
    sizes: dict[str, int]


@dataclass(frozen=True)
class Format:
    """A file format. encode: rows as text; header: columns as the first text; convert: intermediate -> final file."""

    encode: Callable[[Sequence[Row]], str]
    header: Callable[[Row], str] = lambda columns: ""
    convert: Callable[[Path, Path], None] | None = None


def to_csv(rows: Sequence[Row]) -> str:
    """Rows as lines of CSV; None is an empty field."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def to_excel(rows: Sequence[Row]) -> str:
    """Rows as lines of CSV with semicolons and decimal commas."""
    text = io.StringIO()
    commas = ([str(value).replace(".", ",") if isinstance(value, float) else value for value in row] for row in rows)
    csv.writer(text, delimiter=";", lineterminator="\n").writerows(commas)
    return text.getvalue()


def to_json_lines(rows: Sequence[Row]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(dict(zip(_COLUMNS, row, strict=False)), ensure_ascii=False) + "\n" for row in rows)


def to_parquet(lines: Path, out: Path) -> None:
    """Convert a file of JSON lines to Parquet, block by block."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "source": pa.string(),
        "shares": pa.string(),
        "seconds": pa.float64(),
        "label": pa.string(),
        "certain": pa.bool_(),
    }
    types |= dict.fromkeys((*EMOTIONS, "detection"), pa.float32())
    with lines.open(encoding="utf-8") as stream:
        columns = list(json.loads(stream.readline() or "{}")) or COLUMNS
    schema = pa.schema([(name, types.get(name, pa.int32())) for name in columns])
    with replacing(out) as scratch, pq.ParquetWriter(scratch, schema) as writer, lines.open(encoding="utf-8") as stream:
        while block := stream.readlines(1 << 22):
            writer.write_table(pa.Table.from_pylist([json.loads(line) for line in block], schema=schema))


# Excel takes the text for UTF-8 by the byte-order mark.
EXCEL = Format(to_excel, lambda columns: "\ufeff" + to_excel([columns]))
FORMATS = {
    ".csv": Format(to_csv, lambda columns: to_csv([columns])),
    ".jsonl": Format(to_json_lines),
    ".parquet": Format(to_json_lines, convert=to_parquet),
}


class Output:
    """A results file that is being written, with its list of failed sources and its journal.

    shares: the text of a further column of all rows, empty where there is none. It is that of the journal or, of a new
    run, what ``settle`` gives when all else is checked.
    """

    def __init__(
        self,
        out: Path,
        options: Options,
        sources: Sequence[Source],
        resume: bool,
        overwrite: bool,
        settle: Callable[[], str] = str,
    ) -> None:
        if out.suffix.lower() not in FORMATS:
            raise InputError(out, f"a name that ends in {', '.join(FORMATS)}", repr(out.suffix))
        self._format = EXCEL if options.excel else FORMATS[out.suffix.lower()]
        if options.excel and out.suffix.lower() != ".csv":
            raise InputError(out, "a name that ends in .csv, with --excel", repr(out.suffix))
        self.path, self.shares = out, ""
        self._rows_path = out if self._format.convert is None else out.with_name(out.name + ".rows")
        self.failed_path, self._journal = (out.with_name(f"{out.name}.{end}") for end in ("failed", "journal"))
        self._identity = journal.identity(options, sources)
        self.done, self.failures, self.rows, self.without_face = 0, 0, 0, 0
        self._journal_written, self._with_empty_rows = 0.0, options.without_face
        self._sizes = {"rows": 0, "failed": 0}
        self._files: dict[str, int] = {}
        self.finished_before = False
        if resume and self._journal.exists():
            self._read_journal()
        elif resume and out.exists():
            self.finished_before = journal.was_finished(out, self._identity)
        if self.finished_before:
            self.failures = int(self.failed_path.exists())
            return
        if not self._journal.exists() or not resume:
            self._check_free(resume, overwrite)
            self.shares = settle()
        self._more = (self.shares,) if self.shares else ()
        self._open()

    def _check_free(self, resume: bool, overwrite: bool) -> None:
        """Raise InputError where results would be replaced."""
        if not overwrite and (self._journal.exists() or self.path.exists()):
            expected, found = ("results of this run", "others") if resume else ("no existing file", "a file")
            going_on = "continue with --resume, " if self._journal.exists() else ""
            advice = f"choose another name, {going_on}or start again with --overwrite"
            raise InputError(self.path, expected, found, advice)

    def _open(self) -> None:
        """Open the files for appending, after what the journal knows of them; no other run may have them open."""
        with self._written(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                for name, path in (("rows", self._rows_path), ("failed", self.failed_path)):
                    self._files[name] = journal.open_locked(path)
                self._progress = self._current_progress()
                self.write_journal()  # before what another run wrote is gone
                for name, file in self._files.items():
                    os.ftruncate(file, self._sizes[name])
            except (OSError, InputError):
                self._close_files()
                raise
        if not self._sizes["rows"]:
            self._append("rows", self._format.header(_COLUMNS[: len(COLUMNS) + len(self._more)]))
        self._progress = self._current_progress()
        self.write_journal()

    @contextmanager
    def _written(self, path: Path) -> Iterator[None]:
        """Make an OutputError of what the file system refuses."""
        try:
            yield
        except (InputError, OutputError):
            raise
        except OSError as error:
            advice = "free some space, or check the access rights"
            advice += " and continue with --resume" if self._journal.exists() else ""
            raise OutputError(path, "a file that can be written", error.strerror or str(error), advice) from error

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows; empty ones are counted, and written if that was asked for."""
        faces = [row for row in rows if not is_empty(row)]
        self.without_face += len(rows) - len(faces)
        if not self._with_empty_rows:
            rows = faces
        self.rows += len(rows)
        self._append("rows", self._format.encode([(*row, *self._more) for row in rows]))

    def fail(self, source: Source, reason: str) -> None:
        """Append a source that could not be read to the list of failed sources."""
        self.failures += 1
        self._append("failed", to_csv([(shown(source.path), reason)]))

    def close_source(self) -> None:
        """Mark the current source as done; writes the journal if the last write is long enough ago."""
        self.done += 1
        self._progress = self._current_progress()
        if time.monotonic() - self._journal_written > _JOURNAL_INTERVAL:
            self.write_journal()

    def write_journal(self) -> None:
        """Write the journal: the state after the last complete source, without rows of an incomplete one."""
        with self._written(self._journal):
            for file in self._files.values():
                os.fsync(file)
            with replacing(self._journal) as scratch:
                scratch.write_text(json.dumps({**self._identity, **self._progress, "shares": self.shares}))
        self._journal_written = time.monotonic()

    def close(self, complete: bool) -> None:
        """Close the files. complete: all sources are done: convert to the final format and remove the journal.

        Of an incomplete run's errors the first is the one to show, so here there is none then.
        """
        if not complete:
            with suppress(OutputError):
                self.write_journal()
        self._close_files()
        if not complete:
            return
        with self._written(self.path):
            if self._format.convert is not None:
                self._format.convert(self._rows_path, self.path)
                self._rows_path.unlink()
            if not self.failures:
                self.failed_path.unlink()
            journal.record_finished(self.path, self._identity)
            self._journal.unlink()

    def _close_files(self) -> None:
        for file in self._files.values():
            with suppress(OSError):
                os.close(file)

    def failed(self) -> list[tuple[str, str]]:
        """Path and error message of each failed source."""
        with self.failed_path.open(encoding="utf-8", newline="") as stream:
            return [(path, reason) for path, reason in csv.reader(stream)]

    def _current_progress(self) -> _Progress:
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {"counts": counts, "sizes": dict(self._sizes)}

    def _read_journal(self) -> None:
        """Restore counts and sizes from the journal of an interrupted run. Raises InputError for another run's."""
        try:
            state = read_json(self._journal)
        except (OSError, ValueError) as error:
            raise InputError(self._journal, "a valid journal", str(error), "start with --overwrite") from error
        if not journal.is_state(state, _COUNTS):
            raise InputError(self._journal, "a valid journal", "other content", "start with --overwrite")
        different = [key for key, value in self._identity.items() if state.get(key) != value]
        if different:
            advice = "resume with the same model, options and sources, or start with --overwrite"
            raise InputError(self._journal, "the same run", f"different {' and '.join(different)}", advice)
        for name in _COUNTS:
            setattr(self, name, state["counts"][name])
        self._sizes, self.shares = state["sizes"], str(state.get("shares", ""))
        for name, path in (("rows", self._rows_path), ("failed", self.failed_path)):
            size = path.stat().st_size if path.exists() else 0
            if size < self._sizes[name]:
                advice = "it was changed since the run stopped: start again with --overwrite"
                raise InputError(path, f"{self._sizes[name]} bytes or more", str(size), advice)

    def _append(self, name: str, text: str) -> None:
        """Append text to one of the files. Raises OutputError where it can't be written."""
        if not text:
            return
        content = text.encode("utf-8", "surrogateescape")
        try:
            written = os.write(self._files[name], content)  # one system call, so that a kill can't split a row
            if written != len(content):
                raise OSError(0, "no space for a complete row")
            self._sizes[name] += written
        except OSError as error:
            advice = "free some space and continue with --resume"
            raise OutputError(self._rows_path, "space for the results", error.strerror or str(error), advice) from error
