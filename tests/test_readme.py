"""README runs as it stands: its commands, in their order, in one folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from facial_emotion import examples
from tests.conftest import write_votes
from tests.deep.conftest import RECIPE
from tests.made import copy_of_checkout, write_video

ROOT = Path(__file__).parent.parent
TRAINING = "## Train and tune"
BEFORE, _, AFTER = (ROOT / "README.md").read_text().partition(TRAINING)
# Run elsewhere: the make targets by continuous integration, the wheel by tests/test_package.py.
ELSEWHERE = (
    *("make compare", "make test", "DATA=fer2013.csv make compare", "source .venv/bin/activate", "make wheel"),
    "pip install 'dist/facial_emotion-0.2.0-py3-none-any.whl[cli]'",
)
WORKSHOP = "python -m workshop"
# What makes a command small, so that it takes seconds: less data, not another command.
SMALL = {
    "train cnn": "--recipe small.json",
    "report": "--keep-ablations",
    "benchmark core": "--models lightgbm",
    "benchmark framing": "--models lightgbm",
    "benchmark conditions": "--models lightgbm",
    "benchmark shares": "--models lightgbm",
    "benchmark libraries": "--rows 200",
}


def lines_of(text: str) -> Iterator[str]:
    """The commands of a part of README, without their comments; code in Python is tested in test_docs."""
    text = re.sub(r"## Use it from Python.*?\n## ", "", text, flags=re.DOTALL)
    for line in re.findall(r"^ {4}(\S.*)", text, re.MULTILINE):
        yield re.sub(r"\s+#.*", "", line)


@pytest.fixture(scope="module")
def folder(small_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with the pictures, the video and the data that README speaks of."""
    root = tmp_path_factory.mktemp("readme") / "checkout"
    copy_of_checkout(root)
    portrait, officer = (Image.fromarray(picture) for picture in (examples.portrait(), examples.officer()))
    for name in ("holiday", "more", "my-pictures/sad", "my-pictures/joy"):
        (root / name).mkdir(parents=True)
    portrait.save(root / "portrait.jpg")
    portrait.save(root / "holiday" / "one.jpg")
    officer.save(root / "holiday" / "two.png")
    officer.save(root / "more" / "three.jpg")
    for index in range(4):  # enough to draw splits from
        officer.save(root / "my-pictures" / "sad" / f"{index}.jpg")
        portrait.save(root / "my-pictures" / "joy" / f"{index}.jpg")
    write_video(root / "party.mp4", 20)
    shutil.copy(small_csv, root / "fer2013.csv")
    write_votes(root / "fer2013.csv")
    (root / "small.json").write_text(json.dumps({**RECIPE, "image_sizes": [[0, 48]]}))
    return root


def environment(folder: Path) -> dict[str, str]:
    """As after ``source .venv/bin/activate``, with the code of the copy."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(folder), "FER_CACHE": str(folder / "cache")}


def run(line: str, folder: Path) -> str:
    small = next(
        (more for words, more in SMALL.items() if line.startswith((f"facial-emotion {words}", f"{WORKSHOP} {words}"))),
        "",
    )
    done = subprocess.run(
        ["bash", "-c", f"{line} {small}"],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


@pytest.mark.long
def test_every_command_that_needs_no_training_runs(folder: Path) -> None:
    elsewhere = {*ELSEWHERE, "facial-emotion live"}  # which serves until it is stopped: tests/browser/test_web.py
    lines = [line for line in lines_of(BEFORE) if line not in elsewhere and "--cluster tcp:" not in line]
    lines_of_others = (line for line in lines_of(BEFORE + AFTER) if not line.startswith(WORKSHOP))
    assert {line for line in lines_of_others if "facial-emotion" not in line} == {
        *ELSEWHERE,
        "curl --data-binary @portrait.jpg http://127.0.0.1:8000/recognize",
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = None
    try:
        for line in (line.replace("8000", port) for line in lines):
            if line.startswith("facial-emotion serve"):
                server = subprocess.Popen(
                    ["bash", "-c", f"exec {line} --models cnn"], cwd=folder, env=environment(folder)
                )
                _wait_until_ready(f"http://127.0.0.1:{port}/ready", server)
            elif line.startswith("curl"):
                assert json.loads(run(line, folder))["faces"][0]["label"] == "happy"
            else:
                run(line, folder)
    finally:
        if server is not None:
            server.terminate()
            server.wait()
    assert {path.name for path in folder.glob("*.csv")} == {
        *(
            "results.csv",
            "all.csv",
            "party.csv",
            "holiday.csv",
            "people.csv",
            "shares.csv",
            "fer2013.csv",
            "fer2013new.csv",
        )
    }
    assert (folder / "results" / "pictures" / "results.csv").exists()


def _wait_until_ready(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer")


@pytest.mark.training
def test_every_command_of_training_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.chdir(folder)  # the workers read the same paths
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        for line in lines_of(BEFORE):
            if "--cluster tcp:" in line:
                run(line.replace("tcp://host:8786", cluster.scheduler_address), folder)
    before = {path: path.read_bytes() for path in folder.glob("artifacts/*/card.json")}
    for line in lines_of(AFTER):
        run(line, folder)
    assert {path: path.read_bytes() for path in before} == before  # what is shipped stays
    assert (folder / "my-report" / "REPORT.md").exists()
    assert "my-ensemble" in (folder / "results" / "results.csv").read_text()
