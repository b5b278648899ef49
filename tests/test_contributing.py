"""CONTRIBUTING's steps, done in a copy of the checkout: its models are tuned, trained, exported and compared."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from facial_emotion.data import fer2013, sample
from tests.made import copy_of_checkout

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = [
    textwrap.dedent(block).strip("\n") + "\n"
    for block in re.findall(r"(?:^(?: {4}.*)?\n)+", TEXT, re.MULTILINE)
    if block.strip()
]
FILES = {block.split()[1]: block for block in BLOCKS if block.startswith("# ")}
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("facial-emotion ")]


@pytest.fixture(scope="module")
def copy(small_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with the two models of CONTRIBUTING, and the data where it says."""
    root = tmp_path_factory.mktemp("copy") / "checkout"
    copy_of_checkout(root, without=(".onnx",))
    shutil.copy(ROOT / "features" / "centerface.onnx", root / "features")
    for path, text in FILES.items():
        (root / path).write_text(text.partition("\n")[2] if path.endswith(".json") else text)
    recipe = json.loads((root / "deep" / "recipes" / "cnn.json").read_text())
    for change in re.findall(r'`("\w+": [^`]*)`', TEXT.partition("**Add a network.**")[2].partition("Then:")[0]):
        recipe |= json.loads(f"{{{change}}}")
    assert recipe["network"] == {"width": 8}
    (root / "deep" / "recipes" / "tiny.json").write_text(json.dumps(recipe))
    shutil.copy(small_csv, root / "fer2013.csv")
    return root


def run(copy: Path, words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(words.replace("facial-emotion", "facial_emotion", 1))],
        cwd=copy,
        env={**os.environ, "FER_CACHE": str(copy / "cache"), "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stdout


def test_every_step_ends_with_a_model_that_is_compared(copy: Path) -> None:
    assert set(FILES) == {"classical/models/logistic.py", "classical/recipes/logistic.json", "deep/networks/tiny.py"}
    said = {words: run(copy, words) for words in COMMANDS}
    for name in ("logistic", "tiny"):
        (trained,) = (text for words, text in said.items() if words.startswith(f"facial-emotion train {name}"))
        assert f"artifacts/{name}: " in trained
        (compared,) = (text for words, text in said.items() if f"--models {name}" in words)
        assert f" {name} " in compared
        card = json.loads((copy / "artifacts" / name / "card.json").read_text())
        assert card["metrics"]["PrivateTest"]["rows"] == 56
    assert json.loads((copy / "results" / "logistic.json").read_text())["tuning"]["trials"] == 2


def test_a_model_that_lacks_something_fails_before_it_is_trained(copy: Path) -> None:
    (copy / "deep" / "networks" / "tiny.py").write_text(
        FILES["deep/networks/tiny.py"].replace("LICENCE = ", "NOTHING = ")
    )
    words = "facial_emotion train tiny --data fer2013.csv --out artifacts/other"
    done = subprocess.run(
        [sys.executable, "-m", *words.split()],
        cwd=copy,
        env={**os.environ, "FER_CACHE": str(copy / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "tiny.py: expected a model with build, init_weights, LICENCE, SPACE, found none of LICENCE" in done.stderr
    assert "epoch" not in done.stdout


def test_a_sample_has_all_emotions_and_does_not_replace_a_file(voted_csv: Path, tmp_path: Path) -> None:
    data, out = fer2013.load(voted_csv), tmp_path / "sample" / "fer2013.csv"
    sample.write(data, 100, out)
    read = fer2013.load(out)
    rows = sample.rows_of(data, 100)
    assert len(rows) == 100
    assert (read.crops == data.crops[rows]).all()
    assert (read.people_votes() == data.people_votes()[rows]).all()
    assert {len(set(read.split(name).labels)) for name in ("Training", "PublicTest", "PrivateTest")} == {7}
    with pytest.raises(ValueError, match="expected no existing file, found a file; choose an empty folder"):
        sample.write(data, 100, voted_csv.with_name("other.csv"))
