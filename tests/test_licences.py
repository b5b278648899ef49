"""The list of licences: every package that is pinned to run, with what it carries, and every model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from facial_emotion import recognizers
from facial_emotion.commands.licences import main

ROOT = Path(__file__).parent.parent


def test_every_package_that_is_pinned_to_run_is_listed_with_its_licence() -> None:
    found = json.loads(CliRunner().invoke(main, ["--json"], catch_exceptions=False).output)
    listed = {row["name"]: row for row in found["packages"]}
    pinned = [Requirement(line) for line in (ROOT / "requirements-run.txt").read_text().splitlines()]
    assert listed.keys() - {"facial-emotion"} == {
        each.name for each in pinned if each.marker is None or each.marker.evaluate()
    }
    assert [name for name, row in listed.items() if row["licence"] == "not named"] == []
    if not any(file.name.startswith("libx264") for file in av_libraries().glob("*")):
        pytest.skip("needs the wheel of PyAV with its libraries")
    assert "libx264 (GPL-2.0-or-later)" in listed["av"]["carries"]


def av_libraries() -> Path:
    """Where PyAV's wheel keeps its libraries."""
    import av

    return Path(av.__file__).parent.parent / "av.libs"


def test_every_model_is_listed() -> None:
    output = CliRunner().invoke(main, [], catch_exceptions=False).output
    for name in recognizers.names():
        assert name in output
