"""Own models beside those of the package: where they are looked for, and which one counts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facial_emotion import artifact, balance, paths, recognizers
from facial_emotion.errors import InputError
from facial_emotion.evaluation import results
from facial_emotion.records import Member


@pytest.fixture
def own(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model of one's own, before the package's on the path."""
    shutil.copytree(tiny / "tiny", tmp_path / "own" / "tiny")
    monkeypatch.setattr(paths, "ARTIFACTS", (tmp_path / "own", paths.SHIPPED))
    return tmp_path / "own"


def test_own_models_stand_beside_the_shipped_ones(own: Path, crops: np.ndarray) -> None:
    assert set(recognizers.names()) == {"tiny", *recognizers.names(paths.SHIPPED)}
    assert recognizers.places()["tiny"] == own / "tiny"
    assert recognizers.load("tiny").folder == own / "tiny"
    assert recognizers.load("cnn").folder.samefile(paths.SHIPPED / "cnn")
    assert recognizers.names(own) == ["tiny"]
    with pytest.raises(InputError, match="model: expected one of tiny, found 'cnn'"):
        recognizers.load("cnn", root=own)


def test_of_two_with_one_name_the_first_counts(own: Path, crops: np.ndarray) -> None:
    (own / "tiny").rename(own / "cnn")
    assert recognizers.names().count("cnn") == 1
    assert recognizers.load("cnn").folder == own / "cnn"
    # The shipped ensembles go on with the shipped model, which their cards mean.
    expected = recognizers.load("cnn-balanced", root=paths.SHIPPED).predict_proba(crops[:2])
    np.testing.assert_array_equal(recognizers.load("cnn-balanced").predict_proba(crops[:2]), expected)
    assert recognizers.with_labels("cnn", "people") == "cnn-ferplus"


def test_a_damaged_or_unreadable_folder_before_the_shipped_models_hides_none(
    own: Path, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "cnn").mkdir()
    (own / "cnn" / artifact.CARD).write_text("{}")
    recognizers.load("cnn-balanced")  # of the shipped cnn
    with pytest.raises(InputError, match=r"card.json: expected "):
        recognizers.load("cnn")

    class Unreadable(type(own)):  # type: ignore[misc]
        def is_file(self) -> bool:
            raise PermissionError

        def glob(self, pattern: str) -> None:
            raise PermissionError

    monkeypatch.setattr(paths, "ARTIFACTS", (Unreadable(own), paths.SHIPPED))
    assert recognizers.names() == recognizers.names(paths.SHIPPED)
    assert recognizers.load("cnn").folder.samefile(paths.SHIPPED / "cnn")


@pytest.mark.parametrize("name", ["cnn/", "../artifacts/cnn", str(paths.SHIPPED / "cnn"), ".", "x" * 300])
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(InputError, match="model: expected one of "):
        recognizers.card(name)


def test_an_own_model_has_its_own_row_among_the_known_ones(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "NEW_RESULTS", own / "results")
    rows = results.known()[0]
    assert "cnn" in {row.model for row in rows}
    (own / "tiny").rename(own / "cnn")
    assert "cnn" not in {row.model for row in results.known()[0]}


def test_an_ensemble_has_members_from_several_folders(own: Path, crops: np.ndarray) -> None:
    cards = [recognizers.card(name) for name in ("tiny", "cnn")]
    files = [card.files[artifact.MODEL] for card in cards]
    members = [Member(card.name, False, 0.5, file.sha256, file.size) for card, file in zip(cards, files, strict=True)]
    artifact.write(own / "both", None, replace(cards[1], track="ensemble", members=members, files={}))
    found = recognizers.load("both").predict_proba(crops[:2])
    logs = [recognizers.log_of(recognizers.load(card.name).predict_proba(crops[:2])) for card in cards]
    expected = np.exp(sum(logs) / 2)
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)


def test_the_command_lists_models_and_where_they_are(tiny: Path, tmp_path: Path) -> None:
    for name, place in (("here", "artifacts"), ("first", "one"), ("second", "two"), ("cnn", "two")):
        shutil.copytree(tiny / "tiny", tmp_path / place / name)
    environment = {**os.environ, "FER_ARTIFACTS": os.pathsep.join(("one", str(tmp_path / "two"))), "COLUMNS": "80"}
    command = [sys.executable, "-m", "facial_emotion", "models"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    cells = [line.split() for line in done.stdout.splitlines()]
    folders = {line[0]: line[-1] for line in cells if len(line) > 1}
    assert folders["first"] == str(tmp_path / "one")
    assert folders["second"] == folders["cnn"] == str(tmp_path / "two")
    assert folders["here"] == str(tmp_path / "artifacts")
    assert Path(folders["cnn-ferplus"]).samefile(paths.SHIPPED)


def test_a_warning_is_no_result(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "tiny", tmp_path / "artifacts" / "cnn")
    command = [sys.executable, "-m", "facial_emotion", "compare", "--models", "cnn", "--format", "json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [row["model"] for row in json.loads(done.stdout)["models"]] == ["cnn"]
    assert f"cnn is that of {tmp_path / 'artifacts'}, not the one that is shipped" in done.stderr


def test_a_copy_of_the_shipped_models_is_not_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(paths.SHIPPED / "cnn", tmp_path / "cnn")
    monkeypatch.setattr(paths, "ARTIFACTS", (tmp_path, paths.SHIPPED))
    monkeypatch.setattr(paths, "NEW_RESULTS", tmp_path / "results")
    assert "cnn" in {row.model for row in results.known()[0]}
    with pytest.raises(InputError, match="name: expected cnn and cnn-ferplus in one folder, found two"):
        balance.heads_of("cnn")
