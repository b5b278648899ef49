"""A benchmark's results as a table, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import InputError
from features.emotions import EMOTIONS

if TYPE_CHECKING:
    from rich.table import Table

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
Row = dict[str, Any]
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "dlib-bin", "scikit-learn")


def host(threads: int) -> dict[str, Any]:
    """The machine, the versions and the commit that figures were taken with."""
    root = Path(__file__).parent.parent
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True, check=False
    )
    return {
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "threads": threads,
        "commit": asked.stdout.strip() or None,
        "versions": {library: metadata.version(library) for library in _LIBRARIES},
    }


def flat(row: Row) -> dict[str, Any]:
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


def to_csv(rows: list[Row]) -> str:
    """One line a model, every figure a column."""
    lines = [flat(row) for row in rows]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def to_json(rows: list[Row], about: dict[str, Any]) -> str:
    """Everything, with the machine and the counts beside it."""
    return json.dumps({**about, "models": rows}, indent=1, allow_nan=False) + "\n"


def tables(rows: list[Row], about: dict[str, Any]) -> list[Table]:
    """Accuracy, speed and classes, as tables for the terminal."""
    return [_accuracy(rows, about), _speed(rows, about), _classes(rows)]


def markdown(rows: list[Row], about: dict[str, Any]) -> str:
    """The figures that a choice hangs on, as a table in Markdown."""
    columns = ["model", "accuracy", "without near-duplicates", "macro-F1", "ECE", "crop to label"]
    columns += ["640x480 frame to label", "first answer", "size"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for row in sorted(rows, key=lambda row: -row["scores"]["accuracy"]):
        figures, latency = row["scores"], row["latency"]
        cells = [
            row["model"],
            f"{figures['accuracy']:.1%} ({figures['accuracy_low']:.1%} - {figures['accuracy_high']:.1%})",
            f"{figures['accuracy_without_duplicates']:.1%}",
            f"{figures['macro_f1']:.3f}",
            f"{figures['ece']:.3f}",
            *(f"{latency[name]['median_ms']:.1f} ms" for name in ("crop to label", "frame to label")),
            f"{row['start']['first_answer_s']:.2f} s",
            f"{row['size_mb']:.1f} MB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    machine = about["host"]
    lines += [
        "",
        f"{about['accuracy_from']}; {machine['processor']}, {machine['threads']} threads, medians at batch 1.",
    ]
    return "\n".join(lines)


def into_readme(path: Path, rows: list[Row], about: dict[str, Any]) -> None:
    """Replace what stands between the two result marks of a Markdown file."""
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(path, f"the marks {BEGIN} and {END}", "not both of them")
    path.write_text(f"{before}{BEGIN}\n{markdown(rows, about)}\n{END}{after}")


def _accuracy(rows: list[Row], about: dict[str, Any]) -> Table:
    table = _table(
        f"accuracy, {about['accuracy_from']}",
        ["model", "track", "accuracy", "95 % interval", "no near-duplicates", "macro-F1", "log-loss", "ECE"],
    )
    mark = "" if about["measured"] else " recorded"
    for row in rows:
        figures = row["scores"]
        without = figures["accuracy_without_duplicates"]
        table.add_row(
            row["model"],
            row["track"],
            f"{figures['accuracy']:.1%}{mark}",
            f"{figures['accuracy_low']:.1%} - {figures['accuracy_high']:.1%}",
            "-" if without is None else f"{without:.1%}{mark}",
            f"{figures['macro_f1']:.3f}{mark}",
            f"{figures['log_loss']:.3f}{mark}",
            f"{figures['ece']:.3f}{mark}",
        )
    return table


def _speed(rows: list[Row], about: dict[str, Any]) -> Table:
    stages = list(dict.fromkeys(name for row in rows for name in row["latency"]))
    table = _table(
        f"milliseconds, median / p95, one at a time, {about['host']['threads']} threads, measured here",
        ["model", *stages, "crops/s (64)", "load s", "first answer s", "size MB", "peak MB"],
    )
    for row in rows:
        cells = []
        for stage in stages:
            spent = row["latency"].get(stage)
            cells.append(f"{spent['median_ms']:.2f} / {spent['p95_ms']:.2f}" if spent else "-")
        start = row["start"]
        table.add_row(
            row["model"],
            *cells,
            f"{row['crops_per_second']:.0f}",
            f"{start['load_s']:.2f}",
            f"{start['first_answer_s']:.2f}",
            f"{row['size_mb']:.1f}",
            f"{start['peak_memory_mb']:.0f}",
        )
    return table


def _classes(rows: list[Row]) -> Table:
    table = _table("precision / recall / F1 of each emotion, %", ["model", *EMOTIONS])
    for row in rows:
        cells = []
        for name in EMOTIONS:
            figures = row["scores"]["per_class"][name]
            cells.append(" / ".join(f"{100 * figures[kind]:.0f}" for kind in ("precision", "recall", "f1")))
        table.add_row(row["model"], *cells)
    return table


def _table(title: str, columns: list[str]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    return table


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
