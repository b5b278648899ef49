"""Benchmarks beyond single models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_one_core_has_the_latency_of_each_stage(tmp_path: Path) -> None:
    out = tmp_path / "core.json"
    command = [sys.executable, "-m", "workshop", "benchmark", "core", "--models", "lightgbm", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text())
    assert figures["host"]["threads"] == 1
    spent = {stage: each["median_ms"] for stage, each in figures["latency"]["lightgbm"].items()}
    assert 0 < spent["landmarks"] < spent["crop to label"] < spent["frame to label"]
