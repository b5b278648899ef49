"""An artifact is written whole or not at all, and what is not the card's is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facial_emotion import artifact, paths
from facial_emotion.errors import InputError
from tests import made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    artifact.write(tmp_path / "mine", b"the model", made.card())
    return tmp_path / "mine"


def test_a_model_is_read_as_it_was_written(folder: Path) -> None:
    card = artifact.read_card(folder)
    assert card.name == "mine"
    assert artifact.read_model(folder, card) == b"the model"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["mine"]


def test_writing_again_replaces_the_model(folder: Path) -> None:
    artifact.write(folder, b"a better model", made.card())
    assert artifact.read_model(folder, artifact.read_card(folder)) == b"a better model"
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "model.onnx"]


def test_a_write_that_fails_leaves_the_old_model(folder: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        artifact.write(folder, b"new", made.card(training={"minutes": float("nan")}))
    assert artifact.read_model(folder, artifact.read_card(folder)) == b"the model"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["mine"]


@pytest.mark.attack("a changed model", "refused")
@pytest.mark.parametrize("content", [b"the modem", b"", b"the model and more"])
def test_a_changed_model_is_refused(folder: Path, content: bytes) -> None:
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.onnx: expected SHA-256 [0-9a-f]{12}…, found [0-9a-f]{12}…"):
        artifact.read_model(folder, artifact.read_card(folder))


def test_a_missing_model_is_named(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    with pytest.raises(InputError, match=r"model\.onnx: expected a file that the card lists, found nothing there"):
        artifact.read_model(folder, artifact.read_card(folder))


@pytest.mark.attack("cards with other types, paths or numbers", "refused")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"track": None}, "expected 'track' of type str, found NoneType"),
        ({"emotions": ["happy"]}, "expected the emotions angry, .*, found happy"),
        ({"files": {}}, r"expected 'model.onnx' among the files, found none"),
        (
            {"files": {"../other/model.onnx": {"sha256": "", "size": 1}}},
            r"expected plain names of files and artifacts, found '\.\./",
        ),
        (
            {"files": {"/etc/passwd": {"sha256": "", "size": 1}}},
            r"expected plain names of files and artifacts, found '/etc/passwd'",
        ),
        ({"model_of": "a\0b"}, "expected plain names of files and artifacts"),
        ({"threshold": 1.5}, r"expected a threshold from 0 to 1, found 1\.5"),
        ({"metrics": {}}, "expected scores on PublicTest and PrivateTest, found none on PublicTest"),
        ({"threshold": float("nan")}, r"expected 'threshold', a finite number, found nan"),
    ],
)
def test_a_card_that_is_not_whole_is_refused(folder: Path, change: dict[str, object], message: str) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **change}))
    with pytest.raises(InputError, match=message):
        artifact.read_card(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 100_000, "9" * 5_000, "\0"])
def test_a_card_that_is_no_json_object_is_refused(folder: Path, text: str) -> None:
    (folder / "card.json").write_text(text)
    with pytest.raises(InputError, match=r"card\.json: expected"):
        artifact.read_card(folder)


def test_an_installed_package_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    for write in (
        lambda: artifact.write(tmp_path / "artifacts" / "mine", b"model", made.card()),
        lambda: artifact.write_card(tmp_path / "artifacts" / "mine", made.card()),
        lambda: artifact.check_free(tmp_path / "artifacts" / "mine", overwrite=True),
    ):
        with pytest.raises(InputError, match="expected a folder of your own, found the installed package's"):
            write()
    assert not list(tmp_path.iterdir())
