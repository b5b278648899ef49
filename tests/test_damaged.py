"""Damaged pictures, videos and data sets: each is either read or reported in one line, within seconds."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from facial_emotion import examples
from facial_emotion.batch.rows import Options
from facial_emotion.batch.score import score_chunk
from facial_emotion.batch.sources import Source
from facial_emotion.data import fer2013
from facial_emotion.errors import InputError
from tests.data.test_fer2013 import pack
from tests.made import write_video

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
CONTAINERS = ("mp4", "mkv", "avi", "ts", "flv", "mov")
ARCHIVES = ("csv", "gz", "xz", "zip", "tar", "mark")
SECONDS = 5.0  # for each file


def damaged(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """A file's content with flipped bytes, truncated, with the header of another file, or with a part twice."""
    result = bytearray(content)
    damage = rng.randrange(4)
    if damage == 0:
        for _ in range(rng.randint(1, 30)):
            result[rng.randrange(min(len(result), rng.choice([64, 2000, 1 << 30])))] ^= rng.randint(1, 255)
    elif damage == 1:
        del result[rng.randrange(len(result)) :]
    elif damage == 2:
        cut = rng.randrange(1, 200)
        result[:cut] = other[:cut]
    else:
        start = rng.randrange(len(result))
        part = result[start : start + rng.randint(1, 5000)]
        place = rng.randrange(len(result))
        result[place:place] = part
    return bytes(result)


def score(path: Path) -> bool:
    """Whether a source is read; if not, the reason must be one line about it. Neither may take long."""
    start = time.monotonic()
    (outcome,) = score_chunk([Source(str(path))], Options("lightgbm", every=5))
    assert time.monotonic() - start < SECONDS, path
    assert outcome.reason is None or outcome.reason.startswith(f"{path}: "), outcome.reason
    assert "\n" not in (outcome.reason or "")
    return outcome.reason is None


@pytest.fixture(scope="session")
def encoded() -> list[bytes]:
    """The example's face in every format."""
    result = []
    for form in FORMATS:
        stream = io.BytesIO()
        Image.fromarray(examples.portrait()[40:240, 120:320]).save(stream, form)
        result.append(stream.getvalue())
    return result


def read_of(seeds: range, contents: list[bytes], suffixes: Sequence[str], folder: Path) -> int:
    """How many damaged sources, one for each seed, are read."""
    read = 0
    for seed in seeds:
        rng = random.Random(seed)
        path = folder / f"{seed}.{rng.choice(suffixes)}"
        content, other = rng.sample(contents, 2)
        path.write_bytes(damaged(content, other, rng))
        read += score(path)
    return read


@pytest.mark.attack("1,000 damaged pictures", "read or one line each, within 5 s")
@pytest.mark.parametrize("part", range(4))
def test_damaged_pictures_are_read_or_reported(part: int, encoded: list[bytes], tmp_path: Path) -> None:
    assert 0 < read_of(range(250 * part, 250 * part + 250), encoded, ("jpg",), tmp_path) < 250


@pytest.mark.attack("200 damaged videos", "read or one line each, within 5 s")
@pytest.mark.parametrize("part", range(4))
def test_damaged_videos_are_read_or_reported(part: int, tmp_path: Path) -> None:
    for container in CONTAINERS:
        write_video(tmp_path / f"whole.{container}", 10)
    contents = [(tmp_path / f"whole.{container}").read_bytes() for container in CONTAINERS]
    assert read_of(range(50 * part, 50 * part + 50), contents, CONTAINERS, tmp_path) < 50


@pytest.mark.attack("200 damaged files of FER2013", "read or one line each, within 5 s")
def test_damaged_data_sets_are_read_or_reported(small_csv: Path, cache: Path, tmp_path: Path) -> None:
    text = "\n".join(small_csv.read_text().splitlines()[::7]) + "\n"
    contents = {form: pack(form, text, tmp_path).read_bytes() for form in ARCHIVES}
    reports = 0
    for seed in range(200):
        rng = random.Random(seed)
        form, other = rng.sample(ARCHIVES, 2)
        path = tmp_path / f"{seed}.{form if form in ('gz', 'xz', 'zip') else 'csv'}"
        path.write_bytes(damaged(contents[form], contents[other], rng))
        start = time.monotonic()
        with suppress(InputError):  # whose text is one line
            reports += 1
            fer2013.load(path)
            reports -= 1
        assert time.monotonic() - start < SECONDS, path
    assert reports
