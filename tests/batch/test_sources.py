"""What a folder, a pattern or a name stands for, and what is left out of it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facial_emotion.batch.rows import Options
from facial_emotion.batch.score import score_chunk
from facial_emotion.batch.sources import LeftOut, Source, find_sources
from facial_emotion.errors import InputError
from tests.made import write_video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures and videos under many names, and what is neither."""
    root = tmp_path / "root"
    (root / "sub" / "__MACOSX").mkdir(parents=True)
    picture = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    for name, form in (("a.jfif", "JPEG"), ("b", "PNG"), ("c.avif", "AVIF"), ("d.ppm", "PPM"), ("e.txt", "WEBP")):
        picture.save(root / name, form)
    picture.save(root / "sub" / "__MACOSX" / "f.jpg")
    picture.save(root / "sub" / "._g.jpg")
    write_video(root / "sub" / "h.ts", 2)
    (root / "sub" / "i.jpg").write_bytes(b"damaged")
    for name in ("j.txt", "k.txt", "l.pdf", "m"):
        (root / name).write_text("text")
    os.mkfifo(root / "n")
    (root / "sub" / "loop").symlink_to(root)
    return root


def names(sources: list[Source]) -> list[str]:
    return [os.path.basename(source.path) for source in sources]


@pytest.mark.attack("a folder of every kind of file", "read, or counted")
def test_a_folder_gives_its_pictures_and_videos_and_counts_the_rest(folder: Path) -> None:
    left_out = LeftOut()
    sources = list(find_sources([str(folder)], left_out))
    assert names(sources) == ["a.jfif", "b", "c.avif", "d.ppm", "e.txt", "h.ts", "i.jpg"]
    assert [source.kind for source in sources[-2:]] == ["video", "picture"]
    assert left_out.remarks == [
        "left out, neither picture nor video: 5 (2 .txt, 2 without a suffix, 1 .pdf)",
        "left out, hidden: 2",
    ]


@pytest.mark.attack("folders linked in a loop", "each file once")
def test_a_pattern_gives_each_file_once_and_folders_with_their_content(folder: Path) -> None:
    assert names(list(find_sources([f"{folder}/**/*.jpg"]))) == ["i.jpg"]
    inside = names(list(find_sources([f"{folder}/su*"])))  # through the link too
    assert sorted(inside) == ["a.jfif", "b", "c.avif", "d.ppm", "e.txt", "h.ts", "i.jpg"]
    assert names(list(find_sources([f"{folder}/*.xyz"]))) == ["*.xyz"]


@pytest.mark.attack("brackets in the names of folders and files", "taken literally where they exist, else a hint")
def test_brackets_of_names_that_exist_are_no_pattern(folder: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "Photos [2020]"
    folder.rename(shelf)
    (tmp_path / "Photos 2").mkdir()
    assert names(list(find_sources([f"{shelf}/*.jfif"]))) == ["a.jfif"]
    assert names(list(find_sources([f"{shelf}/s[tu]b/*.ts"]))) == ["h.ts"]
    (shelf / "[1].jfif").write_bytes((shelf / "a.jfif").read_bytes())
    assert names(list(find_sources([f"{shelf}/[1].jfif"]))) == ["[1].jfif"]
    missing = list(find_sources([f"{tmp_path}/Fotos [2020]/*.jpg"]))
    (outcome,) = score_chunk(missing, Options("lightgbm"))
    assert "in a pattern, brackets stand for one of the characters in them: write [[]" in str(outcome.reason)


@pytest.mark.attack("an empty folder", "said")
def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    left_out = LeftOut()
    assert list(find_sources([str(tmp_path)], left_out)) == []
    assert left_out.remarks == [f"{tmp_path}: no picture or video in it"]


@pytest.mark.attack("an address instead of a file", "refused with the next step")
def test_an_address_is_refused() -> None:
    with pytest.raises(InputError, match="expected a file, folder, pattern or camera:0, found an address"):
        list(find_sources(["rtsp://127.0.0.1/stream"]))
