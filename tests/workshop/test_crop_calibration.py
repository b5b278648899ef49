"""Crop calibration and distillation of the landmark predictor, and the results in features/."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from facial_emotion.errors import InputError
from facial_emotion.features.crops import points_in_crop
from facial_emotion.features.landmarks import RECTANGLE, enlarge, find_landmarks, mean_face, predict, to_crop_pixels
from workshop.__main__ import main
from workshop.makers import landmarks


def test_the_calibration_of_other_faces_is_close_to_that_of_fer2013(
    small_csv: Path, cache: Path, tmp_path: Path
) -> None:
    done = CliRunner().invoke(
        main, ["crop-calibration", "--data", str(small_csv), "--out", str(tmp_path / "crop_calibration.json")]
    )
    assert done.exit_code == 0, done.output
    calibration = json.loads((tmp_path / "crop_calibration.json").read_text())
    inner = np.array(calibration["mean_face"])[17:] - mean_face()[17:]
    assert np.abs(inner).mean() < 2  # pixels of 64, on a few other people
    assert all(0.6 < place["side"] < 1.2 for place in calibration["box_in_crop"].values())
    np.testing.assert_allclose(calibration["points_in_crop"], points_in_crop(), atol=5)  # pixels of 48


def test_a_student_reproduces_its_training_targets(
    crops: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dlib

    def teacher(crop: np.ndarray) -> np.ndarray:
        return np.repeat(find_landmarks(crop[None]), 3, axis=0)

    monkeypatch.setattr(landmarks, "mesh_teacher", lambda wheel: teacher)
    inputs, targets = landmarks.training_pairs(crops[:60], 1, tmp_path / "mediapipe.whl")
    assert 20 < len(inputs) == len(targets)
    landmarks.train(inputs, targets, tmp_path / "small.dat", threads=2, seed=0)
    predictor = dlib.shape_predictor(str(tmp_path / "small.dat"))
    predictions = np.array([to_crop_pixels(predict(predictor, enlarge(crop), RECTANGLE)) for crop in inputs])
    assert np.abs(predictions - targets).mean() < 0.5
    assert [path.name for path in tmp_path.iterdir()] == ["small.dat"]


def test_a_mesh_that_is_not_the_expected_one_is_refused(small_csv: Path, cache: Path, tmp_path: Path) -> None:
    """No archive, one without the mesh, and one with another mesh."""
    (tmp_path / "text.whl").write_text("no archive")
    for name, content in (("empty.whl", {}), ("other.whl", {landmarks.MESH_MODEL: b"other"})):
        with zipfile.ZipFile(tmp_path / name, "w") as wheel:
            for member, data in content.items():
                wheel.writestr(member, data)
    for name, expected in (("text.whl", "a wheel with"), ("empty.whl", "a wheel with"), ("other.whl", "SHA-256")):
        command = ["landmarks", "--mesh", str(tmp_path / name), "--data", str(small_csv)]
        done = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "out.dat")])
        assert isinstance(done.exception, InputError), done.output
        assert expected in str(done.exception)
    assert not (tmp_path / "out.dat").exists()
