"""compare.py on a folder of one's own pictures and videos."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from facial_emotion import examples
from tests.made import write_video

ROOT = Path(__file__).parent.parent.parent


def compare(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "compare.py", "--models", "cnn,lightgbm", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with one, two and no face, a video, a damaged file, and folders with other names than emotions'."""
    root = tmp_path_factory.mktemp("own")
    for name in ("Happiness", "sad", "joy", "grumpy"):
        (root / name).mkdir()
    face = examples.portrait()[:300, 60:390]
    smaller = Image.fromarray(face).resize((220, 200))
    two = Image.new("RGB", (600, 300))
    two.paste(Image.fromarray(face))
    two.paste(smaller, (360, 50))
    two.save(root / "joy" / "two.png")
    Image.fromarray(face).save(root / "Happiness" / "one.jpg")
    Image.fromarray(face).save(root / "grumpy" / "one.jpg")
    Image.new("RGB", (300, 200), "blue").save(root / "sad" / "sky.png")
    (root / "sad" / "damaged.jpg").write_bytes(b"nothing")
    (root / "sad" / "notes.txt").write_text("no picture")
    write_video(root / "joy" / "film.mp4", 30)
    return root


@pytest.mark.slow
def test_each_file_counts_or_is_said(folder: Path, tmp_path: Path) -> None:
    done = compare("--pictures", folder, "--ask", "joy=happy", "--out", tmp_path, "--format", "json")
    assert done.returncode == 1  # a file could not be read
    found = json.loads(done.stdout)
    assert (found["files"], found["with_face"]) == (4, 3)
    assert found["without_face"] == [str(folder / "sad" / "sky.png")]
    assert found["several_faces"] == [str(folder / "joy" / "two.png")]
    assert list(found["unreadable"]) == [str(folder / "sad" / "damaged.jpg")]
    assert (found["folders_left_out"], found["files_left_out"]) == ({"grumpy": 1}, 1)
    for said in (
        "1 of 4 files without a face",
        "1 of 4 files with several faces: the largest is judged",
        "left out: grumpy/, which is no emotion (files: 1)",
        "left out: files that are no picture or video, or in no subfolder (1)",
        "damaged.jpg: expected a whole JPEG",
    ):
        assert said in done.stderr
    for model in found["models"]:
        assert (model["scores"]["rows"], model["scores"]["accuracy"], model["right_of_all"]) == (3, 1, 0.75)
        assert model["scores"]["macro_f1"] == 1  # of the one emotion that there is
        assert 0 < model["face_ms"] < model["latency"]["median_ms"] <= model["latency"]["p95_ms"]
    assert (found["take"], "these 3 files" in found["advice"]) == ("cnn", True)
    answers = list(csv.DictReader((tmp_path / "answers.csv").read_text().splitlines()))
    assert [(Path(row["file"]).name, row["frames"], row["faces"], row["cnn"]) for row in answers] == [
        ("one.jpg", "1", "1", "happy"),
        ("film.mp4", "3", "1", "happy"),
        ("two.png", "1", "2", "happy"),
        ("sky.png", "1", "0", ""),
    ]
    assert {path.name for path in tmp_path.iterdir()} == {
        *("results.json", "results.csv", "answers.csv", "confusion_cnn.png", "confusion_lightgbm.png")
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ask", "joy"), "--ask: expected NAME=EMOTION, as joy=happy, found 'joy'"),
        (("--ask", "joy=merry"), "emotion: expected one of angry, disgust,"),
        (("--ask", "fun=happy"), "expected the folders of --ask, fun, found folders: Happiness, grumpy, joy, sad"),
        (("--shares", "estimate"), "shares: expected 50 faces or more to estimate them from, found"),
        (("--readme",), "--pictures: expected without --data and --readme, found --readme"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], message: str, folder: Path) -> None:
    done = compare("--pictures", folder, *words)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.slow
def test_shares_of_emotions_are_taken_into_account_and_said(folder: Path, tmp_path: Path) -> None:
    plain, given = (
        json.loads(compare("--pictures", folder, "--out", tmp_path, "--format", "json", *words).stdout)
        for words in ((), ("--shares", "sad=1"))
    )
    assert [model["scores"]["per_class"]["happy"]["recall"] for model in plain["models"]] == [1, 1]
    assert [model["scores"]["per_class"]["happy"]["recall"] for model in given["models"]] == [0, 0]
    assert all(model["shares"]["sad"] == 1 for model in given["models"])
    assert given["shares"] == "sad=1"


@pytest.mark.slow
def test_folders_without_a_face_are_an_error(tmp_path: Path) -> None:
    done = compare("--pictures", tmp_path)
    assert "expected pictures or videos in folders named angry, disgust," in done.stderr
    (tmp_path / "happy").mkdir()
    Image.new("RGB", (300, 200), "blue").save(tmp_path / "happy" / "sky.png")
    done = compare("--pictures", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pictures: expected a face in some file, found none in 1" in done.stderr
