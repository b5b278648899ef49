"""Other packages beside ours: a package is stood in for by a small script, run as theirs are."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from facial_emotion.data import fer2013
from facial_emotion.errors import InputError
from facial_emotion.records import Json
from workshop.benchmarks.peers import environment, laid_into_frame, measure

ALWAYS_HAPPY = """
import json, sys
import numpy as np
crops, pictures, answers = sys.argv[1:]
assert np.load(pictures).shape[1:] == (480, 640)
happy = [0, 0, 0, 1, 0, 0, 0]
count = len(np.load(crops))
ways = {"crops": {"median_ms": 1.0, "probabilities": [happy] * count},
        "pictures": {"median_ms": 2.0, "probabilities": [happy] * (count - 1) + [None]}}
json.dump({"version": "1", "model": "always happy", **ways}, open(answers, "w"))
"""


@pytest.fixture
def package(tmp_path: Path, cache: Path) -> dict[str, Json]:
    """A package that is installed already. It answers "happy" always, and misses the last face."""
    script = tmp_path / "happy.py"
    script.write_text(ALWAYS_HAPPY)
    place = cache / "peers" / "happy"
    python = place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (place / "ready").write_text("[]")
    return {"happy": {"install": [], "script": str(script)}}


def test_a_package_and_a_model_are_judged_on_the_same_rows(package: dict[str, Json], voted_csv: Path) -> None:
    data = fer2013.load(voted_csv)
    labels = data.split("PrivateTest").labels
    figures = measure(data, ["lightgbm"], None, package)
    theirs, ours = figures["peers"]
    assert (theirs["name"], ours["name"]) == ("happy", "lightgbm")
    assert theirs["crops"]["found"] == 1.0
    assert theirs["crops"]["fer2013"]["accuracy"] == (labels == 3).mean()
    # The face that it didn't find is wrong, whatever its label.
    assert theirs["pictures"]["found"] == 1 - 1 / len(labels)
    assert theirs["pictures"]["fer2013"]["accuracy"] == (labels[:-1] == 3).sum() / len(labels)
    assert ours["crops"]["people"]["rows"] == theirs["crops"]["people"]["rows"]
    low, high = ours["crops"]["fer2013"]["interval"]
    assert low < ours["crops"]["fer2013"]["accuracy"] < high


def test_a_package_of_another_version_is_installed_again(package: dict[str, Json], cache: Path) -> None:
    place = cache / "peers" / "happy"
    (place / "ready").write_text('[["happy==0.9"]]')
    (place / "old").touch()
    environment("happy", package["happy"])
    assert not (place / "old").exists()
    assert (place / "ready").read_text() == "[]"


def test_what_a_package_answers_when_it_fails_is_said(package: dict[str, Json], voted_csv: Path) -> None:
    Path(package["happy"]["script"]).write_text("raise SystemExit('no such model')")
    with pytest.raises(InputError, match=r"no such model.*remove .*happy and try again"):
        measure(fer2013.load(voted_csv), [], 3, package)


def test_a_crop_lies_in_the_middle_of_its_frame() -> None:
    crop = np.full((48, 48), 10, dtype=np.uint8)
    crop[:, 24:] = 250
    picture = laid_into_frame(crop)
    assert picture.shape == (480, 640)
    assert picture[240, 250] < 20 < 120 < picture[0, 0] < 140 < 240 < picture[240, 390]
