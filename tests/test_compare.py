"""compare.py does its job with FER2013 and without, and says what is wrong in one line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facial_emotion import recognizers
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.records import Latency, to_json
from tests.conftest import Small
from tests.made import row, some_scores

ROOT = Path(__file__).parent.parent
PNG = b"\x89PNG\r\n\x1a\n"


def compare(*words: object, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "compare.py", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "FER_CACHE": str(cache), "COLUMNS": "60"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def name() -> str:
    return "lightgbm"


def test_votes_beside_the_data_are_a_second_judge(name: str, voted_csv: Path, tmp_path: Path) -> None:
    done = compare("--models", name, "--data", voted_csv, "--out", tmp_path, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "FER2013's labels: 56 rows of PrivateTest, measured" in done.stdout
    (row,), _ = results.read(tmp_path)
    assert row.people is not None
    assert 0 < row.people.choice.rows <= row.scores.rows
    assert "people choice accuracy" in (tmp_path / "results.csv").read_text().splitlines()[0]


def test_without_data_accuracies_are_recorded_and_latencies_measured(name: str, tmp_path: Path) -> None:
    done = compare("--models", name, "--out", tmp_path, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = recognizers.card(name).metrics["PrivateTest"]
    line = next(line for line in done.stdout.splitlines() if line.strip().startswith(name))
    assert line.split()[1] == f"{figures.accuracy:.1%}"
    assert "recorded in the models' cards" in " ".join(done.stdout.split())
    assert f"Take {name}." in done.stdout
    found = json.loads((tmp_path / "results.json").read_text())
    assert (found["measured"], found["n_total"], found["n_scored"]) == (False, 0, 0)
    assert found["models"][0]["scores"] == to_json(figures)
    latency = found["models"][0]["latency"]
    assert {"crop to label", "frame to label"} < set(latency)
    assert all(0 < spent["median_ms"] <= spent["p95_ms"] for spent in latency.values())
    assert found["host"]["versions"]["onnxruntime"]
    for plot in ("accuracy_against_latency.png", f"confusion_{name}.png"):
        assert (tmp_path / plot).read_bytes().startswith(PNG)


def test_with_data_everything_is_measured(name: str, small_csv: Path, tmp_path: Path, small: Small) -> None:
    done = compare(
        "--models", name, "--data", small_csv, "--limit", 20, "--out", tmp_path, "--format", "json", cache=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["measured"], found["n_total"], found["n_scored"]) == (True, 56, 20)
    crops, labels, splits = small
    predicted = recognizers.load(name).predict_proba(crops[splits == 2][:20]).argmax(axis=1)
    assert found["models"][0]["scores"]["accuracy"] == pytest.approx((predicted == labels[splits == 2][:20]).mean())
    assert found["models"][0]["scores"]["rows"] == 20
    assert json.loads((tmp_path / "results.json").read_text()) == found
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "results.csv").read_text())))) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--models", "resnet"), "model: expected one of "),
        (("--data", "nowhere.csv"), "nowhere.csv: expected FER2013 as a CSV or a folder, found nothing there"),
        (("--split", "Training"), "'Training' is not one of 'PublicTest', 'PrivateTest'"),
        (("--limit", "0"), "0 is not in the range x>=1"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = compare(*words, "--out", tmp_path / "out", cache=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from facial_emotion.commands import compare\n"
        "try: compare.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'cv2', 'dlib', 'onnxruntime', 'sklearn', 'pandas', 'matplotlib', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Example: facial-emotion compare" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_csv_has_a_column_for_every_figure() -> None:
    rows = [row(model="a"), row(model="b", latency={"landmarks": Latency(1.5, 2.0)})]
    lines = list(csv.DictReader(io.StringIO(results.to_csv(rows))))
    assert lines[0]["scores per_class happy f1"] == "1.0"
    assert lines[0]["latency landmarks median_ms"] == ""
    assert lines[1]["latency landmarks median_ms"] == "1.5"
    assert not any("confusion" in column for column in lines[0])


def test_a_benchmark_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows, about = [row(), row(model="other")], {"measured": True}
    (tmp_path / "results.json").write_text(results.to_json(rows, about))
    assert results.read(tmp_path) == (rows, about)
    (tmp_path / "results.json").write_text('{"models": [{"model": 7}]}')
    with pytest.raises(InputError, match="expected 'model' of type str, found int"):
        results.read(tmp_path)


def test_the_embedded_faces_are_crops(crops: np.ndarray) -> None:
    assert crops.shape == (101, 48, 48)
    assert crops.dtype == np.uint8


def test_the_readme_gets_the_table_between_its_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{results.BEGIN}\nlast year\n{results.END}\nafter\n")
    shares = {"accuracy": 0.661, "accuracy_low": 0.65, "accuracy_high": 0.67, "accuracy_without_duplicates": 0.63}
    scores = some_scores(**shares, macro_f1=0.66, ece=0.021, coverage=0.6, accuracy_when_certain=0.805)
    rows = [row(scores=scores)]
    about = {"accuracy_from": "PrivateTest, 3589 of 3589 rows", "host": {"processor": "a processor", "threads": 2}}
    results.into_readme(readme, rows, about)
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    figures = "63.0% | 100.0% | 0.660 | 0.021 | 60%: 80.5% | 2.2 ms | 21.0 ms | 1.10 s | 9.6 MB |"
    assert f"| mine | 66.1% (65.0% - 67.0%) | {figures}" in text
    assert "last year" not in text
    readme.write_text("no marks")
    with pytest.raises(InputError, match="expected the marks"):
        results.into_readme(readme, rows, about)
