"""Reading of FER2013 in every supported format, one-line errors for invalid files, FER+ and duplicates."""

from __future__ import annotations

import gzip
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facial_emotion import paths
from facial_emotion.data import csv_form, fer2013, ferplus
from facial_emotion.data.duplicates import exact_copies, near_duplicates
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from tests.conftest import Small, csv_text

ROOT = Path(__file__).parent.parent.parent
VOTE_HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def pack(file_format: str, text: str, folder: Path) -> Path:
    """Write the CSV text to a file in one of the formats."""
    raw = text.encode()
    names = {"csv": "fer2013.csv", "icml": "icml_face_data.csv", "tar": "fer2013.tar.gz", "mac": "fer2013.zip"}
    names |= {"blank": "fer2013.csv", "mark": "fer2013.csv", "misnamed": "fer2013.gz", "plain tar": "fer2013.tar"}
    path = folder / names.get(file_format, f"fer2013.csv.{file_format}")
    if file_format == "icml":
        path.write_text(text.replace("emotion,pixels,Usage", "emotion, Usage, pixels", 1))
    elif file_format == "gz":
        path.write_bytes(gzip.compress(raw))
    elif file_format == "xz":
        path.write_bytes(lzma.compress(raw))
    elif file_format == "zip":
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("README", "no table")
            bundle.writestr("fer2013/fer2013.csv", text)
    elif file_format == "mac":
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("__MACOSX/._my.csv", "forks")
            bundle.writestr("my.csv", text)
    elif file_format == "mark":
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("emotion,pixels,Usage", '"emotion","pixels","Usage"').encode())
    elif file_format == "blank":
        path.write_text(text + "\n\n,,\n")
    elif file_format in ("tar", "misnamed", "plain tar"):
        inside = folder / "inside.csv"
        inside.write_bytes(raw)
        with tarfile.open(path, "w" if file_format == "plain tar" else "w:gz") as archive:
            archive.add(inside, "fer2013/README")
            archive.add(inside, "fer2013/fer2013.csv")
        inside.unlink()
    else:
        path.write_bytes(raw)
    return path


def swapped_columns(text: str) -> str:
    lines = [line.split(",") for line in text.splitlines()]
    return "\n".join(",".join((label, usage, pixels)) for label, pixels, usage in lines) + "\n"


FORMATS = ("csv", "icml", "gz", "xz", "zip", "tar", "plain tar", "misnamed", "mac", "mark", "blank")


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_has_the_same_rows(file_format: str, small: Small, tmp_path: Path, cache: Path) -> None:
    text = csv_text(*small)
    if file_format == "icml":
        text = swapped_columns(text).replace("emotion,Usage,pixels", "emotion,pixels,Usage", 1)
    dataset = fer2013.load(pack(file_format, text, tmp_path))
    assert np.array_equal(dataset.crops, small[0])
    assert np.array_equal(dataset.labels, small[1])
    assert np.array_equal(dataset.splits, small[2])


def test_the_prefix_of_a_picture_is_its_split(small: Small, tmp_path: Path, cache: Path) -> None:
    root = tmp_path / "pictures"
    for number, (crop, label, split) in enumerate(zip(*small, strict=True)):
        folder = root / ("train" if split == 0 else "test") / EMOTIONS[label]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{csv_form.SPLITS[split]}_{number}.png"), crop)
    dataset = fer2013.load(root)
    assert np.array_equal(dataset.crops, small[0])
    assert np.array_equal(dataset.labels, small[1])
    assert np.array_equal(dataset.splits, small[2])

    (root / "train" / "joy").mkdir()
    (root / "train" / "joy" / "desktop.ini").write_text("of the system")
    (root / "train" / "joy" / "Training_7.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"train/joy: expected a folder named angry, .*, found 'joy'"):
        fer2013.load(root)
    (root / "train" / "joy" / "Training_7.png").unlink()

    (root / "train" / "happy" / "notes.txt").write_text("no picture")
    with pytest.raises(InputError, match=r"notes\.txt: expected a name such as Training_123\.jpg"):
        fer2013.load(root)
    (root / "train" / "happy" / "notes.txt").rename(root / "train" / "happy" / "Training_9.jpg")
    with pytest.raises(InputError, match=r"Training_9\.jpg: expected a JPEG or PNG picture, found 10 bytes"):
        fer2013.load(root)


def test_second_load_reads_the_cache_only(small_csv: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fer2013.load(small_csv)

    def refuse(path: Path) -> None:
        raise AssertionError(f"{path} was parsed again")

    monkeypatch.setattr(fer2013, "_read_file", refuse)
    second = fer2013.load(small_csv)
    assert isinstance(second.crops, np.memmap)
    assert second.hash == first.hash
    assert len(list(cache.iterdir())) == 1


@pytest.mark.attack("a damaged cache", "made anew")
@pytest.mark.parametrize("damage", ["cut", "empty", "other shape", "labels"])
def test_a_damaged_cache_is_made_anew(damage: str, small_csv: Path, cache: Path) -> None:
    first = fer2013.load(small_csv)
    labels = np.array(first.labels)
    (folder,) = cache.iterdir()
    file = folder / "labels.npy"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        np.save(file, labels[:-1] if damage == "other shape" else labels + 7)
    assert np.array_equal(fer2013.load(small_csv).labels, labels)
    assert np.array_equal(np.load(file), labels)


@pytest.mark.attack("a cache that can't be written", "done without")
def test_without_a_cache_that_can_be_written_the_data_is_read(
    small_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(paths, "CACHE", tmp_path / "file" / "cache")
    assert len(fer2013.load(small_csv).labels) == 280
    assert "not cached (Not a directory)" in capsys.readouterr().err


def set_cell(text: str, line: int, column: int, value: str) -> str:
    lines = text.splitlines()
    cells = lines[line - 1].split(",")
    cells[column] = value
    lines[line - 1] = ",".join(cells)
    return "\n".join(lines) + "\n"


def pixels(*replaced: tuple[int, str], count: int = 48 * 48) -> str:
    numbers = ["7"] * count
    for index, value in replaced:
        numbers[index] = value
    return " ".join(numbers)


def only(text: str, keep: Callable[[str], bool]) -> str:
    header, *rows = text.splitlines()
    return "\n".join([header, *(row for row in rows if keep(row))]) + "\n"


WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "short row": (
        lambda t: set_cell(t, 3, 1, pixels(count=2303)),
        r"line 3, column pixels: expected 2304 pixels, found 2303",
    ),
    "pixel 256": (
        lambda t: set_cell(t, 4, 1, pixels((5, "256"))),
        r"line 4, column pixels, pixel 6: .*0 to 255, found '256'",
    ),
    "pixel x": (lambda t: set_cell(t, 4, 1, pixels((5, "x"))), r"line 4, column pixels, pixel 6: .*found 'x'"),
    "pixel 1.5": (lambda t: set_cell(t, 4, 1, pixels((5, "1.5"))), r"pixel 6: .*found '1\.5'"),
    "negative pixel": (lambda t: set_cell(t, 4, 1, pixels((0, "-1"))), r"pixel 1: .*found '-1'"),
    "label 7": (lambda t: set_cell(t, 2, 0, "7"), r"line 2, column emotion: expected a label 0 to 6, found '7'"),
    "label text": (lambda t: set_cell(t, 2, 0, "joy"), r"line 2, column emotion: .*found 'joy'"),
    "usage": (
        lambda t: set_cell(t, 2, 2, "Test"),
        r"line 2, column Usage: expected Training or PublicTest or .*found 'Test'",
    ),
    "missing column": (
        lambda t: t.replace("pixels", "crop", 1),
        r"line 1: expected the columns emotion, pixels, found emotion, crop, Usage",
    ),
    "missing cell": (lambda t: t + "3,1 2 3\n", r"line 282: expected 3 columns, found 2"),
    "blank line": (lambda t: t.replace("\n", "\n\n", 2), r"line 2: expected a row, or nothing but blank lines"),
    "empty": (lambda t: "", r"line 1: expected the columns .*, found nothing \(the file is empty\)"),
    "header only": (lambda t: "emotion,pixels,Usage\n", r"expected rows below the header, found none"),
    "one class": (
        lambda t: only(t, lambda row: row[0] == "3"),
        r"expected two emotions or more in Training, found only happy",
    ),
    "no PublicTest": (
        lambda t: only(t, lambda row: "Public" not in row),
        r"expected rows of all three splits .*, found no PublicTest",
    ),
    "huge cell": (lambda t: set_cell(t, 2, 1, "1 " * 200_000), r"expected a CSV table, found field larger"),
}


@pytest.mark.attack("invalid data sets", "one line")
@pytest.mark.parametrize("name", WRONG)
def test_invalid_files_are_one_line_errors(name: str, small: Small, tmp_path: Path, cache: Path) -> None:
    corrupt, message = WRONG[name]
    path = tmp_path / "fer2013.csv"
    path.write_text(corrupt(csv_text(*small)))
    with pytest.raises(InputError, match=message):
        fer2013.load(path)
    assert not list(cache.glob("*"))


@pytest.mark.parametrize("file_format", ["gz", "xz", "zip", "tar"])
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 0.95])
def test_truncated_archives_are_rejected(
    file_format: str, keep: float, small: Small, tmp_path: Path, cache: Path
) -> None:
    path = pack(file_format, csv_text(*small), tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(InputError, match="expected"):
        fer2013.load(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=300)
    | st.from_regex(r"emotion,pixels,Usage\n([0-9x]{0,3},[0-9 ]{0,40},[A-Za-z]{0,12}\n){0,3}")
)
def test_any_text_is_read_or_a_one_line_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        fer2013.load(path)
    assert "\n" not in str(caught.value)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crops=hnp.arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(48), st.just(48))), seed=st.integers(0, 1000))
def test_reading_is_the_inverse_of_writing(crops: np.ndarray, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    labels, splits = rng.integers(0, 7, len(crops)), rng.integers(0, 3, len(crops))
    path = tmp_path / "rows.csv"
    path.write_text(csv_text(crops, labels, splits))
    rows = csv_form.read_csv(path)
    assert all(np.array_equal(got, put) for got, put in zip(rows, (crops, labels, splits), strict=True))


def test_votes_become_majority_labels(small: Small, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "fer2013.csv").write_text(csv_text(*small))
    rows = [VOTE_HEADER] + ["Training,x.png,0,8,2,0,0,0,0,0,0,0"] * 277
    rows += ["Test,x.png,0,0,0,0,0,0,0,0,0,10", "Test,x.png,5,5,0,0,0,0,0,0,0,0", "Test,x.png,0,0,0,0,0,0,3,7,0,0"]
    (tmp_path / ferplus.FILE_NAME).write_text("\n".join(rows) + "\n")
    dataset = fer2013.load(tmp_path / "fer2013.csv")
    happy = EMOTIONS.index("happy")
    assert dataset.majority_labels()[[0, 277, 278, 279]].tolist() == [happy, -1, -1, -1]

    (tmp_path / ferplus.FILE_NAME).write_text("\n".join(rows[:-1]) + "\n")
    with pytest.raises(InputError, match="expected 280 rows, as FER2013 has, found 279"):
        fer2013.load(tmp_path / "fer2013.csv")


def test_near_duplicates_are_invariant_to_brightness_and_contrast(crops: np.ndarray) -> None:
    faces = crops[:40]
    faded = (faces[:10] * 0.5 + 60).astype(np.uint8)
    queries = np.concatenate([faded, crops[60:70], np.full((1, 48, 48), 9, np.uint8)])
    assert near_duplicates(queries, faces).tolist() == [True] * 10 + [False] * 11


def test_exact_copies_have_the_index_of_the_first(crops: np.ndarray) -> None:
    assert exact_copies(crops[[3, 5, 3, 5, 6]]).tolist() == [0, 1, 0, 1, 4]


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "facial_emotion", "data", *words],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_counts_rows_and_duplicates(small_csv: Path, tmp_path: Path) -> None:
    done = command(str(small_csv), FER_CACHE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "280 rows of 48x48 pixels, data hash " in done.stdout
    training = next(line for line in done.stdout.splitlines() if "Training" in line)
    assert training.split() == ["Training", *["24"] * 7, "168"]


def test_errors_of_the_command_are_one_line(small: Small, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(set_cell(csv_text(*small), 2, 0, "7"))
    for words, message in (
        ((str(path),), "line 2, column emotion: expected a label 0 to 6, found '7'"),
        ((str(tmp_path / "none.csv"),), "none.csv: expected FER2013 as a CSV or a folder, found nothing there"),
        ((), "PATH: expected a CSV or a folder, or --download, found neither"),
    ):
        done = command(*words, FER_CACHE=str(tmp_path / "cache"))
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_a_download_without_network_is_an_error_with_advice(tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = command("--download", KAGGLEHUB_CACHE=str(tmp_path), **nowhere)
    assert done.returncode == 2
    assert "get it by hand from https://www.kaggle.com/datasets/" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_real_data_set_has_its_known_counts(real: fer2013.Fer2013) -> None:
    assert [len(real.split(name)) for name in csv_form.SPLITS] == [28709, 3589, 3589]
    assert np.bincount(real.split("Training").labels).tolist() == [3995, 436, 4097, 7215, 4830, 3171, 4965]
