"""Faces from a camera, which here is a video file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from facial_emotion import live, load
from facial_emotion.errors import InputError
from tests.made import write_video


@pytest.fixture
def film(tmp_path: Path) -> Path:
    write_video(tmp_path / "film.mp4", 120)
    return tmp_path / "film.mp4"


def test_each_frame_has_its_faces(film: Path) -> None:
    found = list(live(film, load("cnn")))
    assert [[(face.number, face.label) for face in faces] for faces in found] == [[(1, "happy")]] * 120


def test_a_camera_without_a_picture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.mp4: expected a picture, found none; is it there"):
        next(live(tmp_path / "none.mp4"))


def test_a_window_shows_the_faces_until_q_is_pressed(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, keys = list[np.ndarray](), iter([-1, ord("q")])
    monkeypatch.setattr(cv2, "imshow", lambda title, bgr: shown.append(bgr))
    monkeypatch.setattr(cv2, "waitKey", lambda milliseconds: next(keys))
    monkeypatch.setattr(cv2, "destroyWindow", lambda title: None)
    assert len(list(live(film, window=True))) == 1
    assert [picture.shape[2] for picture in shown] == [3, 3]


def test_an_opencv_without_windows_says_what_to_install(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise cv2.error("not implemented")

    monkeypatch.setattr(cv2, "imshow", fail)
    monkeypatch.setattr(cv2, "destroyWindow", fail)
    with pytest.raises(
        InputError, match=r"window: expected an OpenCV with windows, found one without; pip install open"
    ):
        next(live(film, window=True))
