"""The report writes itself, says the same twice, and holds no figure that is not measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from scipy.special import softmax

from facial_emotion import artifact, paths, recognizers
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.records import BenchmarkRow, parse
from facial_emotion.threads import onnx_session
from workshop.report import main
from workshop.reporting import models, report

ROOT = Path(__file__).parent.parent.parent


def run_report(*words: object, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workshop", "report", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "FER_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_writes_itself_and_says_the_same_twice(small_csv: Path, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        done = run_report("--data", small_csv, "--out", tmp_path / folder, "--rounds", 3, cache=tmp_path / "cache")
        assert done.returncode == 0, done.stderr
    written = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    assert {str(path) for path in written} > {"REPORT.md", "artifacts/report/report.json", "artifacts/svm/README.md"}
    for path in written:
        content = (tmp_path / "first" / path).read_bytes()
        assert content == (tmp_path / "second" / path).read_bytes(), path
        assert len(content) < 400_000, path


def test_ablations_of_the_last_report_can_be_kept(small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(data: object, names: object, rounds: int, tried: object) -> None:
        raise InputError(json.dumps(tried))

    monkeypatch.setattr(report, "measure", stop)
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(main, ["--data", str(small_csv), "--keep-ablations"], catch_exceptions=False)
    assert json.loads(str(caught.value)) == json.loads((paths.REPORT / "report.json").read_text())["ablations"]


def test_without_data_one_line_says_so(tmp_path: Path) -> None:
    done = run_report("--data", tmp_path / "fer2013.csv", cache=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'fer2013.csv'}: expected FER2013 as a CSV or a folder")


@pytest.mark.release
def test_the_documents_are_what_the_figures_give(tmp_path: Path) -> None:
    figures = json.loads((paths.REPORT / "report.json").read_text())
    report.write(figures, tmp_path)
    for name in ("REPORT.md", *(f"artifacts/{name}/README.md" for name in figures["judged"]["models"])):
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), f"{name}: write the report again"
    benchmark = figures["benchmark"]  # not artifacts/results, which a benchmark on another machine replaces
    rows = [parse(BenchmarkRow, row, "report.json") for row in benchmark["models"]]
    shutil.copy(ROOT / "README.md", tmp_path / "README.md")
    results.into_readme(tmp_path / "README.md", rows, benchmark)
    assert (tmp_path / "README.md").read_text() == (ROOT / "README.md").read_text(), "run compare.py --readme again"


@pytest.mark.parametrize("name", ["cnn", "svm", "svm-ferplus"])
def test_a_model_without_its_calibration_gives_the_softmax_of_its_scores(name: str, crops: np.ndarray) -> None:
    recognizer = recognizers.load(name)
    whole = artifact.read_model(recognizer.folder, recognizer.card)
    steps = recognizers.steps(recognizer.card, models.without_calibration(whole))
    raw = recognizers.Recognizer(name, recognizer.card, steps).predict_proba(crops)
    opened = onnx.load_from_string(whole)
    opened.graph.output.append(onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, None))
    session = onnx_session(opened.SerializeToString(), threads=1)
    value: Any = crops
    for _, step in recognizer.steps[:-2]:  # to what the model takes
        value = step(value)
    scores = session.run(["scores"], {session.get_inputs()[0].name: value})[0].reshape(len(crops), -1, 7)
    head = 1 if recognizer.card.labels == "people" else 0
    np.testing.assert_allclose(raw, softmax(scores[:, head], axis=1), atol=1e-5)
    assert np.abs(raw - recognizer.predict_proba(crops)).max() > 0.01


def test_a_frontal_face_is_not_turned_and_contrast_is_contrast(crops: np.ndarray) -> None:
    frontal = models.turn(crops[:1])[0]
    assert frontal < 0.15
    assert models.contrast(crops[:1])[0] > models.contrast((crops[:1] // 2).astype(np.uint8))[0]
    assert models.thirds(np.arange(9.0)).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
