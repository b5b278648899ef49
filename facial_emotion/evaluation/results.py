"""A benchmark's results as a table, CSV and JSON."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facial_emotion import paths
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import BenchmarkRow, PeopleScores, parse
from facial_emotion.records import to_json as plain
from facial_emotion.terminal import table as new_table

if TYPE_CHECKING:
    from rich.table import Table

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "dlib-bin", "scikit-learn")


def host(threads: int) -> dict[str, Any]:
    """The machine, the versions and the commit that figures were taken with."""
    return {
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "threads": threads,
        "commit": _commit(),
        "versions": installed_versions(_LIBRARIES),
    }


def installed_versions(libraries: Sequence[str]) -> dict[str, str]:
    """The versions of those of some libraries that are installed."""
    versions = {}
    for library in libraries:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[library] = metadata.version(library)
    return versions


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A model's figures as one line: names joined with spaces, the confusion matrix left to the JSON."""
    line: dict[str, Any] = {}
    for key, value in row.items():
        if key == "confusion":
            continue
        if isinstance(value, dict):
            line.update({f"{key} {name}": entry for name, entry in flat(value).items()})
        else:
            line[key] = value
    return line


def to_csv(rows: list[BenchmarkRow]) -> str:
    """One line a model, every figure a column."""
    lines = [flat(plain(row)) for row in rows]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def to_json(rows: list[BenchmarkRow], about: dict[str, Any]) -> str:
    """Everything, with the machine and the counts beside it."""
    return json.dumps({**about, "models": [plain(row) for row in rows]}, indent=1, allow_nan=False) + "\n"


def read(folder: Path) -> tuple[list[BenchmarkRow], dict[str, Any]]:
    """The last benchmark in a folder: its rows, and the machine and counts. Raises InputError where there is none."""
    path = folder / "results.json"
    try:
        content = json.loads(path.read_text())
        rows = content.pop("models")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InputError(path, "a benchmark's results", type(error).__name__, "run facial-emotion compare") from error
    return [parse(BenchmarkRow, row, path) for row in rows], content


def latencies(rows: list[BenchmarkRow]) -> dict[str, float]:
    """Milliseconds from crop to label of each model, median."""
    return {row.model: row.latency["crop to label"].median_ms for row in rows}


def tables(rows: list[BenchmarkRow], about: dict[str, Any]) -> list[Table]:
    """Accuracy, speed, cost and classes, as tables for the terminal."""
    people = {row.model: row.people for row in rows if row.people is not None}
    return [
        _accuracy(rows, about),
        *([_people(people)] if people else []),
        _speed(rows, about),
        _cost(rows),
        _classes(rows),
    ]


def markdown(rows: list[BenchmarkRow], about: dict[str, Any]) -> str:
    """The figures that a choice hangs on, as a table in Markdown."""
    columns = ["model", "FER2013's label", "without near-duplicates"]
    columns += ["macro-F1", "ECE", "coverage: accuracy", "latency per face"]
    columns += ["640x480 frame to label", "cold start", "size"]
    by_people = any(row.people for row in rows)
    if by_people:
        columns[1:1] = ["people's choice", "clear faces"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for row in sorted(rows, key=lambda row: (row.labels != "people", -row.own.accuracy)):
        figures, own, latency = row.scores, row.own, row.latency
        cells = [
            row.model,
            f"{figures.accuracy:.1%} ({figures.accuracy_low:.1%} - {figures.accuracy_high:.1%})",
            _share(figures.accuracy_without_duplicates),
            f"{own.macro_f1:.3f}",
            f"{row.calibration_error:.3f}",
            f"{own.coverage:.0%}: {_share(own.accuracy_when_certain)}",
            *(f"{latency[name].median_ms:.1f} ms" for name in ("crop to label", "frame to label")),
            f"{row.start.first_answer_s:.2f} s",
            f"{row.size_mb:.1f} MB",
        ]
        if by_people:
            clear = row.people.clear if row.people else None
            cells[1:1] = [
                _share(row.people.choice.accuracy if row.people else None),
                _share(clear.accuracy if clear else None),
            ]
        lines.append(f"| {' | '.join(cells)} |")
    machine = about["host"]
    lines += [
        "",
        f"{about['accuracy_from']}; {machine['processor']}, {machine['threads']} threads, medians at batch 1.",
    ]
    return "\n".join(lines)


def into_readme(path: Path, rows: list[BenchmarkRow], about: dict[str, Any]) -> None:
    """Replace what stands between the two result marks of a Markdown file."""
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(path, f"the marks {BEGIN} and {END}", "not both of them")
    path.write_text(f"{before}{BEGIN}\n{markdown(rows, about)}\n{END}{after}")


def _accuracy(rows: list[BenchmarkRow], about: dict[str, Any]) -> Table:
    columns = ["model", "accuracy", "95 %\ninterval", "without\nduplicates", "macro\nF1", "log\nloss", "ECE"]
    columns += ["coverage", "accuracy\nthere", "figures"]
    table = new_table(f"accuracy, {about['accuracy_from']}", columns)
    for row in rows:
        figures = row.scores
        table.add_row(
            row.model,
            f"{figures.accuracy:.1%}",
            f"{100 * figures.accuracy_low:.1f}-{100 * figures.accuracy_high:.1f}",
            _share(figures.accuracy_without_duplicates),
            f"{figures.macro_f1:.3f}",
            f"{figures.log_loss:.3f}",
            f"{figures.ece:.3f}",
            f"{figures.coverage:.0%}",
            _share(figures.accuracy_when_certain),
            "measured" if about["measured"] else "recorded",
        )
    return table


def _people(scores: dict[str, PeopleScores]) -> Table:
    columns = ["model", "people's\nchoice", "95 %\ninterval", "without\nduplicates", "macro\nF1", "clear\nfaces"]
    columns += ["without\nduplicates", "cross-\nentropy", "mean abs.\nerror", "calibration\nerror"]
    first = next(iter(scores.values()))
    clear = f", {first.clear.rows} clear ones" if first.clear else ""
    table = new_table(f"against ten people's votes (FER+), {first.choice.rows} rows{clear}", columns)
    for model, figures in scores.items():
        choice, clear_faces = figures.choice, figures.clear
        table.add_row(
            model,
            f"{choice.accuracy:.1%}",
            f"{100 * choice.accuracy_low:.1f}-{100 * choice.accuracy_high:.1f}",
            _share(choice.accuracy_without_duplicates),
            f"{choice.macro_f1:.3f}",
            _share(clear_faces.accuracy if clear_faces else None),
            _share(clear_faces.accuracy_without_duplicates if clear_faces else None),
            f"{figures.cross_entropy:.3f}",
            f"{figures.mean_absolute_error:.3f}",
            f"{figures.calibration_error:.3f}",
        )
    return table


def _share(value: float | None) -> str:
    """A share in percent; of no rows, a dash."""
    return "-" if value is None else f"{value:.1%}"


def _speed(rows: list[BenchmarkRow], about: dict[str, Any]) -> Table:
    # An ensemble's stages are its members, too many for columns; CSV and JSON have them.
    single = [row for row in rows if row.track != "ensemble"] or rows
    stages = list(dict.fromkeys(name for row in single for name in row.latency))
    title = f"milliseconds, median / p95, batch 1, {about['host']['threads']} threads, measured here"
    table = new_table(title, ["model", *stages])
    for row in rows:
        spent = [row.latency.get(stage) for stage in stages]
        cells = [f"{stage.median_ms:.2f} / {stage.p95_ms:.2f}" if stage else "-" for stage in spent]
        table.add_row(row.model, *cells)
    return table


def _cost(rows: list[BenchmarkRow]) -> Table:
    columns = ["model", "crops a second\n(batch 64)", "load, s", "cold start, s", "size, MB", "peak memory, MB"]
    table = new_table("cost, measured here; cold start: from process start to the first answer", columns)
    for row in rows:
        start = row.start
        table.add_row(
            row.model,
            f"{row.crops_per_second:.0f}",
            f"{start.load_s:.2f}",
            f"{start.first_answer_s:.2f}",
            f"{row.size_mb:.1f}",
            f"{start.peak_memory_mb:.0f}",
        )
    return table


def _classes(rows: list[BenchmarkRow]) -> Table:
    table = new_table("each emotion, %", ["model", "", *EMOTIONS])
    for row in rows:
        for kind in ("precision", "recall", "f1"):
            shares = (getattr(row.scores.per_class[name], kind) for name in EMOTIONS)
            table.add_row(row.model if kind == "precision" else "", kind, *(f"{100 * share:.0f}" for share in shares))
    return table


def _commit() -> str | None:
    """The commit that this code is at; none where there is no git or no checkout."""
    if shutil.which("git") is None:
        return None
    command = ["git", "describe", "--always", "--dirty"]
    asked = subprocess.run(command, cwd=paths.PACKAGE, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
