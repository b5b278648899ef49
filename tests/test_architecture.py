"""The folders are the architecture: which module may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAME = "facial_emotion"
# Modules that all others may import; they import only one another.
LEAVES = {
    "errors",
    "limits",
    "records",
    "paths",
    "terminal",
    "threads",
    "memory",
    "cluster",
    "workers",
    "registry",
    "notebook",
}
# For the longest prefix that fits a module: what it may import of the project besides, by prefix.
ALLOWED = {
    **{leaf: set() for leaf in LEAVES},
    "features": {"features"},
    "data": {"data", "features.emotions"},
    "artifact": {"features.emotions"},
    "evaluation": {"evaluation", "features"},
    "evaluation.evaluate": {"evaluation", "features", "data"},
    "evaluation.benchmark": {"evaluation", "features", "data", "recognizers", "artifact", "examples", "scene"},
    "evaluation.timing": {"evaluation", "features", "recognizers"},
    "training": {"training", "features", "data", "evaluation", "artifact"},
    "classical": {"classical", "training", "features", "data", "evaluation", "artifact"},
    "deep": {"deep", "training", "features", "data", "evaluation", "artifact"},
    "deep.distillation": {"deep", "training", "recognizers"},
    "recognizers": {"features", "artifact", "shares"},
    "ensemble": {"recognizers", "artifact", "features", "data", "evaluation"},
    "shares": {"features.emotions"},
    "balance": {"recognizers", "artifact", "features", "data", "evaluation"},
    "examples": {"features"},
    "explain": {"recognizers", "artifact", "features"},
    "scene": {"recognizers", "features"},
    "drawing": {"scene", "features", "labels"},
    "labels": {"scene"},
    "video": {"video", "scene", "recognizers", "features"},
    "video.writer": {"video", "scene", "drawing"},
    "video.camera": {"video", "scene", "drawing", "recognizers"},
    "batch": {"batch", "shares", "scene", "drawing", "video", "recognizers", "features", "evaluation"},
    "batch.own_data": {"batch", "data"},
    "serving": {"serving", "recognizers", "artifact", "scene", "features"},
    "web": {"web", "video", "drawing", "recognizers", "artifact", "features"},
    "views": {
        "views",
        "web",
        "batch.sources",
        "labels",
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
    "commands": {""},
}
FOLDERS = (NAME, "features", "data", "classical", "deep")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    """The dotted name of a file below the package, without the package's own name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == NAME else parts)


def every_import(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported(path: Path) -> set[str]:
    """Every module of the project that a file imports, wherever in the file."""
    return {name.removeprefix(f"{NAME}.") for name in every_import(path) if name.startswith(f"{NAME}.")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_architecture(path: Path) -> None:
    module = module_of(path)
    if module in ("__init__", "__main__"):
        return  # the package's face: it imports what it offers
    rule = max((prefix for prefix in ALLOWED if f"{module}.".startswith(f"{prefix}.")), key=len)
    for name in imported(path):
        allowed = any(not prefix or f"{name}.".startswith(f"{prefix}.") for prefix in ALLOWED[rule] | LEAVES)
        assert allowed or name == "__version__", f"{module} must not import {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_product_does_without_the_workshop(path: Path) -> None:
    assert "workshop" not in {name.partition(".")[0] for name in every_import(path)}


def test_no_file_and_no_function_is_too_long() -> None:
    for path in [*SOURCES, *(ROOT / "workshop").rglob("*.py")]:
        text = path.read_text()
        assert len(text.splitlines()) <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 50, f"{path}: {node.name}"
