"""The framing that features/framing.json holds can be measured again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from classical import framing
from features.landmarks import mean_face


def test_faces_give_nearly_the_mean_face_of_fer2013(small_csv: Path, cache: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(framing.main, ["--data", str(small_csv), "--out", str(tmp_path / "framing.json")])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "framing.json").read_text())
    inner = np.array(found["mean_face"])[17:] - mean_face()[17:]
    assert np.abs(inner).mean() < 2  # pixels of 64, on a handful of other people
    assert 0.6 < found["box_in_crop"]["side"] < 1.2
