"""A benchmark's results as CSV, JSON and README's table."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from facial_emotion import paths
from facial_emotion.errors import InputError
from facial_emotion.records import BenchmarkRow, Json, parse, read_json
from facial_emotion.records import to_json as plain

FILE = "results.json"
# The questions that models answer, by their labels.
QUESTIONS = {
    "people": "what people would say (FER+)",
    "balanced": "people's choice, rare emotions as likely as common ones",
    "fer2013": "FER2013's labels",
}
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
_EIGHT_BIT = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")  # as /proc/cpuinfo names them
_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "dlib-bin", "scikit-learn")


def host(threads: int) -> Json:
    """The machine, the versions and the commit that figures were taken with."""
    return {
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "threads": threads,
        "large_pages": "hugetlb=1" in os.environ.get("GLIBC_TUNABLES", ""),
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


def flat(row: Json) -> Json:
    """A model's figures as one line: names joined with spaces, the confusion matrix left to the JSON."""
    line: Json = {}
    for key, value in row.items():
        if key == "confusion":
            continue
        if isinstance(value, dict):
            line.update({f"{key} {name}": entry for name, entry in flat(value).items()})
        else:
            line[key] = value
    return line


def to_csv(rows: list[BenchmarkRow]) -> str:
    """One line a model, every figure a column; first those by the labels that the model answers with."""
    lines = []
    for row in rows:
        own = {"accuracy": row.own.accuracy, "mean_recall": row.own.mean_recall, "macro_f1": row.own.macro_f1}
        lines.append({"model": row.model, "labels": row.labels, **own, **flat(plain(row))})
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def to_json(rows: list[BenchmarkRow], about: Json) -> str:
    """Everything, with the machine and the counts beside it."""
    return json.dumps({**about, "models": [plain(row) for row in rows]}, indent=1, allow_nan=False) + "\n"


def read(folder: Path) -> tuple[list[BenchmarkRow], Json]:
    """The last benchmark in a folder: its rows, and the machine and counts. Raises InputError where there is none."""
    path = folder / FILE
    try:
        content = read_json(path)
        rows = content.pop("models")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InputError(path, "a benchmark's results", type(error).__name__, "run facial-emotion compare") from error
    if not isinstance(rows, list):
        raise InputError(path, "'models', a list", type(rows).__name__)
    return [parse(BenchmarkRow, row, path) for row in rows], content


def known() -> tuple[list[BenchmarkRow], Json]:
    """The benchmark that is shipped, and rows of further models from the last one in this folder (paths.NEW_RESULTS).

    Such rows must be measured on the whole of the same split; they may be of another machine. Raises InputError where
    there is no benchmark.
    """
    own = None
    with contextlib.suppress(InputError):  # a file of this name may be another program's
        own = read(paths.NEW_RESULTS)
    if own and not (paths.RESULTS / FILE).exists():
        return own
    rows, about = read(paths.RESULTS)
    rows = [row for row in rows if not paths.is_own(row.model)]  # one's own of that name counts
    kind = ("measured", "split", "n_total", "n_scored")
    if own is None or any(own[1].get(name) != about.get(name) for name in kind):
        return rows, about
    models = {row.model for row in rows}
    return [*rows, *(row for row in own[0] if row.model not in models)], about


def conditions() -> Json | None:
    """The shipped figures of models on hard conditions, if there are any."""
    path = paths.RESULTS / "conditions.json"
    return read_json(path) if path.exists() else None


def latencies(rows: list[BenchmarkRow]) -> dict[str, float]:
    """Milliseconds from crop to label of each model, median."""
    return {row.model: row.latency["crop to label"].median_ms for row in rows}


def markdown(rows: list[BenchmarkRow], about: Json) -> str:
    """The figures that a choice hangs on, as a table in Markdown."""
    columns = ["model", "FER2013's label", "without near-duplicates"]
    columns += ["mean recall", "macro-F1", "ECE", "coverage: accuracy", "a face"]
    columns += ["a frame", "cold start", "size"]
    by_people = any(row.people for row in rows)
    if by_people:
        columns[1:1] = ["people's choice", "clear faces"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for row in sorted(rows, key=lambda row: (list(QUESTIONS).index(row.labels), -merit(row))):
        figures, own, latency = row.scores, row.own, row.latency
        cells = [
            row.model,
            f"{figures.accuracy:.1%} ({figures.accuracy_low:.1%} - {figures.accuracy_high:.1%})",
            share(own.accuracy_without_duplicates),
            share(own.mean_recall),
            f"{own.macro_f1:.3f}",
            f"{row.calibration_error:.3f}",
            f"{own.coverage:.0%}: {share(own.accuracy_when_certain)}",
            *(f"{latency[name].median_ms:.1f} ms" for name in ("crop to label", "frame to label")),
            f"{row.start.first_answer_s:.2f} s",
            f"{row.size_mb:.1f} MB",
        ]
        if by_people:
            clear = row.people.clear if row.people else None
            cells[1:1] = [
                share(row.people.choice.accuracy if row.people else None),
                share(clear.accuracy if clear else None),
            ]
        lines.append(f"| {' | '.join(cells)} |")
    machine = about["host"]
    advice = [f"- For {QUESTIONS[labels]}: {found['words']}" for labels, found in about.get("advice", {}).items()]
    lines += [
        "",
        f"{about['accuracy_from']}; {machine['processor']}, {machine['threads']} threads, medians at batch 1.",
        *_detection(),
        *(["", *advice] if advice else []),
    ]
    return "\n".join(lines)


def merit(row: BenchmarkRow) -> float:
    """What a model is ranked by: accuracy or, of one that favours no emotion, mean recall."""
    return row.own.mean_recall if row.labels == "balanced" else row.own.accuracy


def _detection() -> list[str]:
    """What detection takes of a frame, by the benchmark of detectors, as a sentence; none where there is none."""
    path = paths.RESULTS / "detectors.json"
    if not path.exists():
        return []
    figures = read_json(path)
    own, dlib = (figures["frame_640x480"][name]["median_ms"] for name in ("centerface", "dlib"))
    machine = figures["host"]["processor"]
    return [
        f"Face detection, on {machine}: {own:.1f} ms per frame; with `--detector dlib` {dlib / own:.1f} times that."
    ]


def into_readme(path: Path, rows: list[BenchmarkRow], about: Json) -> None:
    """Replace what stands between the two result marks of a Markdown file."""
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(path, f"the marks {BEGIN} and {END}", "not both of them")
    path.write_text(f"{before}{BEGIN}\n{markdown(rows, about)}\n{END}{after}")


def share(value: float | None) -> str:
    """A share in percent; of no rows, a dash."""
    return "-" if value is None else f"{value:.1%}"


def _commit() -> str | None:
    """The commit that this code is at; none where there is no git or no checkout."""
    if shutil.which("git") is None:
        return None
    commit = _git("describe", "--always")
    is_changed = commit and _git("status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if is_changed else commit or None


def _git(*words: str) -> str:
    """What git prints of the checkout; it writes nothing, as ``describe --dirty`` would."""
    command = ["git", "--no-optional-locks", *words]
    return subprocess.run(command, cwd=paths.PACKAGE, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    """The processor's name, and which of its instructions multiply 8-bit numbers, as far as the system says it."""
    try:
        lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
        said = {key.strip(): value.strip() for key, _, value in lines}
        flags = (said.get("flags") or said["Features"]).split()
        own = ", ".join(flag for flag in _EIGHT_BIT if flag in flags)
        return f"{said.get('model name', platform.machine())} ({own or 'no 8-bit instructions'})"
    except (OSError, LookupError):
        return platform.processor() or platform.machine()
