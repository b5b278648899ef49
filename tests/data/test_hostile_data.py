"""Data sets that are not what they seem: numbers of any kind, archives of anything, folders of other shapes."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from facial_emotion import limits
from facial_emotion.data import csv_form, fer2013, ferplus
from facial_emotion.data.csv_form import SIDE, number, read_csv
from facial_emotion.data.folder_form import read_folder
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from tests.conftest import Small, csv_text

ROW = " ".join(["7"] * (SIDE * SIDE))
VOTES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
Writer = Callable[[Path, bytes], None]
CELLS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(0, 300).map(str),
    st.floats().map(str),
    st.text(st.sampled_from("0123456789+-.eE_ xnaif٣１\0"), max_size=8),
    st.integers(1, 6_000).map(lambda length: "1" * length),
)
SHARED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def whole(text: str, most: int) -> bool:
    """Whether a text is a whole number 0 to ``most`` in digits."""
    digits = text.strip().lstrip("0") or "0" * bool(text.strip())
    return text.strip().isascii() and text.strip().isdigit() and len(digits) < 6 and int(digits or 0) <= most


@pytest.mark.attack("300 cells of any number as pixel and label", "the number, or an error with line and column")
@given(cell=CELLS)
@example(cell="4294967303")
@example(cell="18446744073709551623")
@example(cell="1" * 5_000)
@SHARED
def test_a_pixel_or_label_is_a_number_or_an_error(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    for column, row, most in (
        ("pixels, pixel 2", f"3,7 {cell} {ROW[4:]},Training", 255),
        ("emotion", f"{cell},{ROW},Training", 6),
    ):
        path.write_text(f"emotion,pixels,Usage\n3,{ROW},Training\n{row}\n", newline="")
        assume(" " not in cell)
        if "\0" in cell or not cell:
            with pytest.raises(InputError, match=r"fer2013\.csv"):
                read_csv(path)
        elif whole(cell.removeprefix("+") if column != "emotion" else cell, most):
            crops, labels, _ = read_csv(path)
            assert int(cell) == (labels[1] if column == "emotion" else crops[1, 0, 1])
        else:
            with pytest.raises(
                InputError,
                match=rf"fer2013\.csv, line 3, column {column}: expected .* 0 to {most}(, or one of .*)?, found",
            ):
                read_csv(path)


@pytest.mark.attack("300 cells of any number as votes", "the number, or an error with line and column")
@given(cell=CELLS, column=st.integers(0, 9))
@example(cell="", column=0)
@example(cell="inf", column=1)
@example(cell="-5", column=2)
@example(cell="2.5", column=3)
@SHARED
def test_votes_are_numbers_of_people_or_an_error(cell: str, column: int, tmp_path: Path) -> None:
    path, cells = tmp_path / "fer2013new.csv", ["1"] * 10
    cells[column] = cell
    path.write_text(f"{VOTES}\n{','.join('1' * 10)}\n{','.join(cells)}\n", newline="")
    if whole(cell, ferplus.PEOPLE):
        assert ferplus.read_votes(path, 2)[1].sum() == 9 + int(cell)
    else:
        with pytest.raises(
            InputError, match=rf"fer2013new\.csv, line 3, column {VOTES.split(',')[column]}: expected votes"
        ):
            ferplus.read_votes(path, 2)


def test_a_number_has_no_more_digits_than_it_may() -> None:
    assert [number(text, 255, "here") for text in ("0", " 7 ", "255", "000000000000255")] == [0, 7, 255, 255]
    for text in ("256", "-1", "", " ", "1 2", "٣", "1_0", "0" * 9 + "256", "1" * 5_000):
        with pytest.raises(InputError, match="here: expected a whole number 0 to 255, found"):
            number(text, 255, "here")


def table(small: Small) -> bytes:
    return csv_text(*small).encode()


def tar_with(kind: bytes, target: str = "", mode: str = "w:gz") -> Writer:
    """A writer of an archive whose fer2013.csv is no file."""

    def write(path: Path, content: bytes) -> None:
        with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
            member = tarfile.TarInfo("fer2013.csv")
            member.type, member.linkname = kind, target
            archive.addfile(member)

    return write


def zip_with(
    change: Callable[[zipfile.ZipInfo], None], bits: int = 0, method: int = 0
) -> Callable[[Path, bytes], None]:
    """A writer of an archive with changes of its entry, and of the flags and method in its headers."""

    def write(path: Path, content: bytes) -> None:
        entry = zipfile.ZipInfo("fer2013.csv")
        change(entry)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(entry, content)
        raw = bytearray(path.read_bytes())
        for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            start = raw.rindex(mark) + place
            raw[start] |= bits
            raw[start + 2] = method or raw[start + 2]
        path.write_bytes(raw)

    return write


def keep(entry: zipfile.ZipInfo) -> None:
    """No change."""


def link(entry: zipfile.ZipInfo) -> None:
    entry.external_attr = 0o120777 << 16


def one_line(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(b"a" * 50_000_000))


def blank_lines(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content + b"\n" * 20_000_000))


ARCHIVES: dict[str, tuple[Writer, str]] = {
    "link.tar.gz": (tar_with(tarfile.SYMTYPE, "/etc/passwd"), "found a folder, link or device"),
    "loop.tar.gz": (tar_with(tarfile.LNKTYPE, "fer2013.csv"), "found a folder, link or device"),
    "folder.tar.gz": (tar_with(tarfile.DIRTYPE), "found a folder, link or device"),
    "pipe.tar": (tar_with(tarfile.FIFOTYPE, mode="w"), "found a folder, link or device"),
    "device.tar": (tar_with(tarfile.CHRTYPE, mode="w"), "found a folder, link or device"),
    "encrypted.zip": (zip_with(keep, bits=1), "found an encrypted one; unpack it first"),
    "method.zip": (zip_with(keep, method=99), "expected a whole .zip file"),
    "link.zip": (zip_with(link), "found a folder, link or device"),
    "line.csv.gz": (one_line, "characters, found more"),
    "blank.csv.gz": (blank_lines, "nothing but blank lines, found a blank line"),
}


@pytest.mark.attack("archives of links, loops, folders, pipes, a password, a method, one line", "one line each")
@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_of_something_else_is_one_line(name: str, small: Small, tmp_path: Path, cache: Path) -> None:
    write, message = ARCHIVES[name]
    write(tmp_path / name, table(small))
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        fer2013.load(tmp_path / name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 10


@pytest.mark.attack("300 archives of any bytes and tables of any lines", "read or one line, within 10 s")
@pytest.mark.parametrize("form", ["tar", "tar.gz", "zip"])
def test_damaged_archives_are_read_or_one_line(form: str, small: Small, tmp_path: Path) -> None:
    content, stream = table(small)[:60_000], io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("fer2013.csv", content)
    else:
        with tarfile.open(fileobj=stream, mode="w:gz" if form == "tar.gz" else "w") as archive:
            member = tarfile.TarInfo("fer2013.csv")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    errors = 0
    for seed in range(100):
        rng, damaged = random.Random(seed), bytearray(stream.getvalue())
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(min(len(damaged), rng.choice([600, 1 << 30])))] = rng.randrange(256)
        path = tmp_path / f"{seed}.{form}"
        path.write_bytes(damaged[: rng.choice([len(damaged), rng.randrange(len(damaged))])])
        start = time.monotonic()
        try:
            read_csv(path)
        except InputError as error:
            errors += "\n" not in str(error)
        else:
            errors += 1
        assert time.monotonic() - start < 10
    assert errors == 100


def test_a_table_of_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROWS", 2)
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + f"3,{ROW},Training\n" * 3)
    with pytest.raises(InputError, match=r"fer2013\.csv: expected at most 2 rows, found more"):
        read_csv(tmp_path / "fer2013.csv")


@pytest.mark.attack("a pipe and a device as a data set", "one line")
def test_a_pipe_is_no_data_set(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fer2013.csv")
    for path in (tmp_path / "fer2013.csv", Path(os.devnull)):
        with pytest.raises(InputError, match="expected FER2013 as a CSV or a folder, found a pipe or device"):
            fer2013.load(path)


@pytest.mark.attack("Kaggle's folders one level deeper, and in capitals", "read; others are named")
@pytest.mark.parametrize(("inside", "capital"), [("", False), ("fer2013", False), ("", True), ("archive", True)])
def test_folders_may_lie_deeper_or_be_in_capitals(inside: str, capital: bool, small: Small, tmp_path: Path) -> None:
    import cv2

    crops, labels, splits = small
    for index, (crop, label, split) in enumerate(zip(crops, labels, splits, strict=True)):
        names = ["test" if split else "train", EMOTIONS[label]]
        folder = tmp_path.joinpath(inside, *(name.capitalize() if capital else name for name in names))
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{csv_form.SPLITS[split]}_{index}.png"), crop)
    read, found, codes = read_folder(tmp_path)
    assert np.bincount(codes, minlength=3).tolist() == np.bincount(splits, minlength=3).tolist()
    assert sorted(found.tolist()) == sorted(labels.tolist())
    assert read.sum() == crops.sum()


def test_folders_that_are_none_of_the_data_set_are_named(tmp_path: Path) -> None:
    for name in ("images", "labels", "__MACOSX", ".git"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"expected train/<emotion>/\*\.jpg and .*, found images, labels"):
        read_folder(tmp_path)
