"""Annotated copies: one for each source, whatever the sources are called, and none that is a source again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.batch import copies
from facial_emotion.batch.rows import Options
from facial_emotion.batch.run import Summary, recognize
from facial_emotion.batch.sources import Source
from facial_emotion.errors import InputError
from tests.batch.conftest import write_faces

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda name: name.strip(".") != ""
)


def annotate(folder: Path, *sources: Path, name: str = "copies") -> Summary:
    return recognize(
        map(str, sources), folder / "all.csv", Options("lightgbm", annotate=str(folder / name)), overwrite=True
    )


def made(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.attack("two cards with pictures of the same names", "an annotated copy each")
def test_pictures_of_the_same_name_have_a_copy_each(tmp_path: Path) -> None:
    for card in ("card 1", "card 2"):
        write_faces(tmp_path / card / "DCIM", 1)
    assert annotate(tmp_path, tmp_path / "card 1", tmp_path / "card 2").failed == []
    assert made(tmp_path / "copies") == ["card 1/DCIM/000.jpg.png", "card 2/DCIM/000.jpg.png"]
    annotate(tmp_path, tmp_path / "card 1", name="one")
    assert made(tmp_path / "one") == ["DCIM/000.jpg.png"]


@pytest.mark.attack("copies in the folder of the pictures", "left out, counted")
def test_copies_are_no_sources(tmp_path: Path) -> None:
    write_faces(tmp_path / "album", 2)
    for _ in range(2):
        summary = annotate(tmp_path, tmp_path / "album", name="album/copies")
        assert summary.sources == 2
    assert summary.remarks == ["left out, in the folder of annotated copies: 2"]
    with pytest.raises(InputError, match="in the folder of annotated copies: 4"):
        annotate(tmp_path, tmp_path / "album", name="album")


@pytest.mark.attack("a copy that can't be written", "its source fails, the run goes on")
def test_a_copy_that_can_not_be_written_is_its_sources_failure(tmp_path: Path) -> None:
    write_faces(tmp_path / "album", 2)
    (tmp_path / "copies" / "000.jpg.png").mkdir(parents=True)  # a folder where the copy would lie
    summary = annotate(tmp_path, tmp_path / "album")
    assert [path for path, _ in summary.failed] == [str(tmp_path / "album" / "000.jpg")]
    assert "a place for an annotated copy" in summary.failed[0][1]
    assert made(tmp_path / "copies") == ["001.jpg.png"]


@pytest.mark.attack("names of 254 bytes", "shortened, told apart")
def test_names_that_would_be_too_long_are_shortened_and_stay_apart(tmp_path: Path) -> None:
    write_faces(tmp_path / "album", 2)
    for index, end in enumerate("ab"):
        (tmp_path / "album" / f"{index:03}.jpg").rename(tmp_path / "album" / f"{'é' * 125}{end}.jpg")
    assert annotate(tmp_path, tmp_path / "album").failed == []
    assert len(made(tmp_path / "copies")) == 2


@given(st.sets(st.tuples(st.sampled_from(["one", "two"]), NAMES), min_size=1, max_size=8))
def test_places_are_unique_and_in_the_folder(tmp_path_factory: pytest.TempPathFactory, names: set[Any]) -> None:
    folder = tmp_path_factory.getbasetemp() / "copies"
    sources = [Source(f"/pictures/{folder}/{name}", f"/pictures/{folder}") for folder, name in names]
    root = copies.root(sources)
    places = {copies.place(source, root, str(folder), ".png") for source in sources}
    assert len(places) == len(names)
    assert all(os.path.normpath(place).startswith(str(folder)) for place in places)
