"""The folders are the architecture: who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAVES = {"errors", "terminal", "tuning", "cluster", "workers"}
# For the longest prefix that fits a module: what it may import of the project, by prefix.
ALLOWED = {
    "errors": set(),
    "terminal": set(),
    "tuning": set(),
    "cluster": set(),
    "workers": set(),
    "features": {"features"},
    "data": {"data", "features.emotions"},
    "artifact": {"features.emotions"},
    "evaluation": {"evaluation", "features"},
    "evaluation.timing": {"evaluation", "features", "recognizers"},
    "classical": {"classical", "features", "data", "evaluation", "artifact"},
    "deep": {"deep", "features", "data", "evaluation", "artifact"},
    "deep.teacher": {"deep", "recognizers"},
    "recognizers": {"classical", "deep", "features", "artifact"},
    "ensemble": {"recognizers", "artifact", "features", "data", "evaluation"},
    "examples": {"features"},
    "explain": {"recognizers", "features", "examples"},
    "reporting": {"reporting", "classical", "recognizers", "artifact", "features", "data", "evaluation", "examples"},
    "report": {"reporting", "deep", "recognizers", "features", "data", "evaluation"},
    "compare": {"examples", "recognizers", "artifact", "features", "data", "evaluation"},
    "scene": {"recognizers", "features"},
    "drawing": {"scene", "features"},
    "video": {"video", "scene", "recognizers", "features"},
    "video.benchmark": {"video", "recognizers", "drawing", "examples", "evaluation"},
    "batch": {"batch", "scene", "drawing", "video", "recognizers", "features", "evaluation"},
    "serving": {"serving", "recognizers", "scene", "features"},
    "serving.benchmark": {"examples", "evaluation"},
    "serve": {"serving", "recognizers", "evaluation"},
    "batch.benchmark": {"batch", "examples", "evaluation"},
    "recognize": {"batch", "recognizers"},
    "views": {
        "views",
        "artifact",
        "explain",
        "examples",
        "video",
        "scene",
        "drawing",
        "recognizers",
        "features",
        "data",
        "evaluation",
    },
    "app": {"views"},
}
PROJECT = {name.split(".")[0] for name in ALLOWED}
SOURCES = sorted(
    path
    for path in [*ROOT.glob("*.py"), *ROOT.glob("*/*.py")]
    if path.relative_to(ROOT).parts[0] not in ("tests", ".venv")
)


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in PROJECT}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_architecture(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    rule = max((prefix for prefix in ALLOWED if f"{module}.".startswith(f"{prefix}.")), key=len)
    for name in imported(path):
        allowed = any(f"{name}.".startswith(f"{prefix}.") for prefix in ALLOWED[rule] | LEAVES)
        assert allowed, f"{module} must not import {name}"
