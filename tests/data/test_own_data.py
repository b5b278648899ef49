"""Data of one's own: names of emotions, no column Usage, folders of pictures, and emotions that it lacks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion import examples, recognizers
from facial_emotion.batch import own_data
from facial_emotion.commands import train
from facial_emotion.data import fer2013
from facial_emotion.data.csv_form import SPLITS
from facial_emotion.data.own_split import stratified
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from tests.conftest import Small, csv_text

NAMES = {"happy": "joy", "neutral": "Calm"}  # and the others by their own names
ASK = {"Joy": "happy", "calm": "neutral"}


def own_csv(small: Small, path: Path, without: tuple[str, ...] = ()) -> Path:
    """The small data set with names for labels and without Usage."""
    lines = ["emotion,pixels"]
    for row in csv_text(*small).splitlines()[1:]:
        label, pixels, _ = row.split(",")
        name = EMOTIONS[int(label)]
        if name not in without:
            lines.append(f"{NAMES.get(name, name)},{pixels}")
    path.write_text("\n".join(lines) + "\n")
    return path


@given(labels=st.lists(st.integers(0, 6), min_size=1, max_size=80))
def test_drawn_splits_have_rows_of_each_emotion(labels: list[int]) -> None:
    rows = np.array(labels)
    splits = stratified(rows)
    np.testing.assert_array_equal(splits, stratified(rows))
    for label in set(labels):
        counts = np.bincount(splits[rows == label], minlength=len(SPLITS)).tolist()
        assert counts[1] == counts[2]
        assert counts[0] >= counts[1]
        assert counts[1] > 0 or sum(counts) < 3


def test_names_of_emotions_are_labels_and_splits_are_drawn(small: Small, tmp_path: Path, cache: Path) -> None:
    path = own_csv(small, tmp_path / "own.csv")
    for _ in range(2):  # the second time from the cache
        data = fer2013.load(path, asked=ASK)
        np.testing.assert_array_equal(data.labels, small[1])
        np.testing.assert_array_equal(data.crops, small[0])
        assert [len(data.split(name)) for name in SPLITS] == [224, 28, 28]
    assert data.rule == "80% Training, 10% PublicTest, 10% PrivateTest of each emotion, seed 0"
    with pytest.raises(InputError, match=r"own.csv: expected rows with the names of --ask, glad, found none"):
        fer2013.load(path, asked={**ASK, "glad": "happy"})
    with pytest.raises(
        InputError, match=r"column emotion: expected a label 0 to 6, or one .* found 'joy'; name others"
    ):
        fer2013.load(path)


def test_pictures_in_folders_with_other_names_are_found_framed_and_split(tmp_path: Path) -> None:
    portrait = cv2.cvtColor(examples.portrait(), cv2.COLOR_RGB2BGR)
    for name in ("joy", "sad"):
        (tmp_path / name).mkdir()
        for index in range(3):
            cv2.imwrite(str(tmp_path / name / f"{index}.png"), portrait[: 400 + index])
    cv2.imwrite(str(tmp_path / "sad" / "empty.png"), portrait[300:])
    assert own_data.is_own(tmp_path)
    data, remarks = own_data.load(tmp_path, {"joy": "happy"})
    assert data.crops.shape == (6, 48, 48)
    assert [sorted(data.split(name).labels) for name in SPLITS] == [[3, 4]] * 3
    assert data.missing == ["angry", "disgust", "fear", "surprise", "neutral"]
    assert remarks[0].startswith("1 of 7 files without a face: ")


def test_other_numbers_of_emotions_are_asked_for_too(small: Small, tmp_path: Path, cache: Path) -> None:
    text = csv_text(*small).replace("emotion,pixels,Usage", "Usage,pixels,emotion").splitlines()
    rows = ["emotion,pixels", *(f"{(int(line.split(',')[0]) + 1) % 7},{line.split(',')[1]}" for line in text[1:])]
    (tmp_path / "own.csv").write_text("\n".join(rows) + "\n")
    asked = {str((label + 1) % 7): name for label, name in enumerate(EMOTIONS)}
    np.testing.assert_array_equal(fer2013.load(tmp_path / "own.csv", asked=asked).labels, small[1])


def test_too_few_rows_to_draw_splits_are_said(small: Small, tmp_path: Path, cache: Path) -> None:
    path = own_csv(tuple(part[:7] for part in small), tmp_path / "own.csv")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"expected three rows of an emotion, or more, found fewer"):
        fer2013.load(path, asked=ASK)


def test_folders_of_fer2013_are_read_as_such(tmp_path: Path) -> None:
    (tmp_path / "train" / "happy").mkdir(parents=True)
    path = tmp_path / "train" / "happy" / "Training_1.png"
    path.write_bytes(b"")
    assert not own_data.is_own(tmp_path)
    assert not own_data.is_own(path)
    path.rename(path.with_name("im0.png"))
    with pytest.raises(InputError, match=r"or folders named by emotion directly in it, found im0.png; put the folders"):
        own_data.is_own(tmp_path)


def test_votes_beside_a_table_that_is_not_fer2013_are_left_alone(
    small: Small, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fer2013new.csv").write_text("of another table")
    assert fer2013.load(own_csv(small, tmp_path / "own.csv"), asked=ASK).votes is None
    assert "fer2013new.csv: not used: own.csv has no column Usage" in capsys.readouterr().err


@pytest.mark.training
@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "svm"])
def test_a_model_learns_the_emotions_that_there_are(
    name: str, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facial_emotion.paths.CACHE", tmp_path / "cache")
    path = own_csv(small, tmp_path / "own.csv", without=("disgust", "fear"))
    words = [name, "--data", path, "--ask", "joy=happy", "--ask", "calm=neutral", "--out", tmp_path / "models" / "mine"]
    words += ["--rounds", "20"] if name != "svm" else []
    done = CliRunner().invoke(train.main, [str(word) for word in words], catch_exceptions=False)
    assert "splits: 80% Training, 10% PublicTest, 10% PrivateTest of each emotion, seed 0" in done.stderr
    assert "no row to learn from, so that it will not be recognised: disgust, fear" in done.stderr
    card = recognizers.card("mine", tmp_path / "models")
    assert card.training["left_out"] == ["disgust", "fear"]
    assert card.training["splits"].endswith("seed 0")
    probabilities = recognizers.load("mine", root=tmp_path / "models").predict_proba(small[0])
    left_out = [EMOTIONS.index(emotion) for emotion in card.training["left_out"]]
    assert probabilities[:, left_out].max() < 0.05
    assert card.metrics["PrivateTest"].accuracy > 0.5
