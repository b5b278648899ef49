"""Pictures that would take much to decode or search: refused before they do, in time and memory."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from facial_emotion import examples, limits
from facial_emotion.batch.sources import LeftOut, find_sources
from facial_emotion.errors import InputError, OutOfMemory
from facial_emotion.features import headers
from facial_emotion.features.faces import Search, as_allowed, find_faces, smallest_allowed
from facial_emotion.features.pictures import read_pages, read_rgb
from tests.features.test_pictures import encoded, exif

FACE = Image.fromarray(np.ascontiguousarray(examples.portrait()[40:240, 120:320]))
ROOT = Path(__file__).parent.parent.parent
SECONDS, MEGABYTES = 10, 300


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, frames: int = 1) -> bytes:
    """A white picture or animation of so many frames, of some kilobytes."""
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = zlib.compress((b"\0" + b"\xff" * width) * height)
    if frames > 1:
        content += chunk(b"acTL", struct.pack(">II", frames, 0))
    for number in range(frames):
        if frames > 1:
            place = struct.pack(">IIIIIHHBB", max(0, 2 * number - 1), width, height, 0, 0, 1, 10, 0, 0)
            content += chunk(b"fcTL", place)
        content += chunk(b"fdAT", struct.pack(">I", 2 * number) + pixels) if number else chunk(b"IDAT", pixels)
    return content + chunk(b"IEND", b"")


def tiff(*entries: tuple[int, int], after: bytes = b"") -> bytes:
    """A TIFF of one page with these tags, of 32-bit numbers, and some bytes behind its directory."""
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + after


def tiled(side: int, tile: int, compression: int) -> bytes:
    """A grey TIFF of one tile."""
    tags = ((256, side), (257, side), (258, 8), (259, compression), (262, 1), (277, 1), (322, tile), (323, tile))
    head = len(tiff(*tags, (324, 0), (325, 0)))
    body = zlib.compress(bytes(min(tile * tile, 10_000_000)))
    return tiff(*tags, (324, head), (325, len(body)), after=body)


ALONE = """
import resource, sys, time
from pathlib import Path
from tests.features.test_hostile_pictures import read
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
files = sorted(Path(sys.argv[1]).iterdir())
read(files[0])
before = peak()
for file in files:
    start = time.monotonic()
    read(file.read_bytes())
    print(time.monotonic() - start, peak() - before, file.name)
"""


@pytest.mark.attack("strips, tiles, codestreams and animations that grow", "refused in time, or read, in little memory")
def test_what_grows_is_refused_or_read_in_little_memory(tmp_path: Path) -> None:
    pictures = hostile()
    for name, content in pictures.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(pictures)
    for line in lines:
        seconds, megabytes, _ = line.split(" ", 2)
        assert float(seconds) < SECONDS, line
        assert float(megabytes) < MEGABYTES, line


def hostile() -> dict[str, bytes]:
    """Small files of pictures that are large, or take much."""
    large = encoded(Image.new("L", (9_000, 9_000)), "JPEG2000", irreversible=True)
    start = large.index(b"ihdr") + 4
    canvas = bytearray(encoded(FACE, "WEBP", save_all=True, append_images=[FACE.rotate(9)]))
    canvas[24:30] = b"\xfe\x3f\0" * 2  # its sides less one
    return {
        " small": encoded(FACE, "PNG"),  # the first
        "a strip of 2,000,000 x 1": png(2_000_000, 1),
        "a strip of 65,000 x 1": png(65_000, 1),
        "a strip of 1 x 65,000": png(1, 65_000),
        "an animation of 30 blank frames": png(3_000, 3_000, 30),
        "a tile of 676 megapixels": tiled(10, 26_000, 8),
        "a tile of 100 megapixels": tiled(10, 10_000, 8),
        "a tile of 16 megapixels": tiled(10, 4_096, 8),
        "a codestream larger than its header": large[:start] + struct.pack(">II", 10, 10) + large[start + 8 :],
        "numbers as text": b"P3 9000 9000 255 " + b"7 " * 1_000_000,
        "a huge canvas": bytes(canvas),
        "a frame that grows": grown(),
    }


def grown() -> bytes:
    """A GIF of 10 x 10 pixels whose second frame says 60,000 x 20,000."""
    content = bytearray(
        encoded(Image.new("P", (10, 10)), "GIF", save_all=True, append_images=[Image.new("P", (10, 10), 9)])
    )
    place = content.rindex(b"\x2c") + 5
    content[place : place + 4] = struct.pack("<HH", 60_000, 20_000)
    return bytes(content)


def read(content: bytes) -> None:
    """Read a picture and look for its faces, or have it refused."""
    with suppress(InputError):  # whose text is one line
        find_faces(read_rgb(content))


TAGS = st.dictionaries(
    st.sampled_from([254, 255, 256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 322, 323, 324, 325, 330, 338, 339]),
    st.one_of(st.integers(0, 20), st.integers(0, 70_000), st.integers(0, 2**32 - 1)),
)


@pytest.mark.attack("300 TIFF files with tags of any value", "read or one line, within 10 s")
@given(tags=TAGS, body=st.binary(max_size=200))
@settings(max_examples=300, deadline=SECONDS * 1000)
def test_tags_of_any_value_are_read_or_refused(tags: dict[int, int], body: bytes) -> None:
    usual = {256: 10, 257: 10, 258: 8, 259: 1, 262: 1, 273: 300, 277: 1, 278: 10, 279: 100}
    read(tiff(*{**usual, **tags}.items(), after=body + bytes(400)))


@given(width=st.integers(1, 3_000_000), height=st.integers(1, 3_000_000), cut=st.integers(1, 3_000))
@example(width=limits.SIDE, height=1, cut=1)
@settings(max_examples=200, deadline=SECONDS * 1000)
@pytest.mark.attack("200 pictures and arrays of any two sides", "read, or their sides refused")
def test_any_two_sides_are_searched_or_refused(width: int, height: int, cut: int) -> None:
    row = np.zeros((1, 1, 3), np.uint8)
    rgb = np.broadcast_to(row, (height, width, 3))
    if width * height > limits.PIXELS or max(width, height) > limits.SIDE:
        with pytest.raises(InputError, match=r"expected (at most|sides)"):
            find_faces(rgb)
    small = np.zeros((cut, 1 + limits.SIDE % cut, 3), np.uint8)
    assert len(find_faces(small)) == 0


def test_faces_are_looked_for_as_small_as_time_allows() -> None:
    large = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (10_000, 10_000, 3))
    least = smallest_allowed(large)
    assert 17.4 / least * 10_000 <= limits.SEARCHED**0.5
    with pytest.raises(InputError, match=f"{least} or more pixels in so large a picture, found 10 in"):
        find_faces(large, min_face=10)
    assert as_allowed(Search(min_face=10), large).min_face == least
    assert as_allowed(Search(min_face=10), np.zeros((9, 9, 3), np.uint8)).min_face == 10


@pytest.mark.attack("a JPEG with a video or thousands of scans behind its end", "its own scans count")
def test_scans_are_counted_in_the_first_picture_alone() -> None:
    content = encoded(FACE, "JPEG", progressive=True)
    own = headers.scans(content)
    assert 1 < own <= 12
    thumbnail = content[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + content[2:]
    for more in (content + b"\xff\xda" * 100, content + bytes(9) + content, thumbnail):
        assert headers.scans(more) == own
        assert read_rgb(more).shape == (200, 200, 3)
    assert headers.scans(encoded(FACE, "JPEG")) == 1


@given(place=st.floats(0, 1), value=st.integers(0, 255), cut=st.floats(0, 1))
@settings(max_examples=200)
def test_scans_of_damaged_files_are_counted(place: float, value: int, cut: float) -> None:
    content = bytearray(encoded(FACE, "JPEG", progressive=True))
    content[int(place * (len(content) - 1))] = value
    assert 0 <= headers.scans(bytes(content[: int(cut * len(content))])) < 100


def raw(**tags: int) -> bytes:
    names = {"subfile": 254, "children": 330, "dng": 50706}
    usual = {256: 10, 257: 10, 258: 8, 259: 1, 262: 1, 273: 300, 277: 1, 278: 10, 279: 100}
    return tiff(*{**usual, **{names[name]: value for name, value in tags.items()}}.items(), after=bytes(400))


@pytest.mark.attack("raw photographs of every maker", "listed as raw, no row of a preview")
@pytest.mark.parametrize(
    "content",
    [
        raw(dng=4),
        raw(subfile=1, children=200),
        b"II*\0\x10\0\0\0CR\x02\0" + bytes(400),
        b"\0\0\0\x18ftypcrx \0\0\0\0" + bytes(400),
        b"FUJIFILMCCD-RAW 0201" + bytes(400),
        b"IIRO\x08\0\0\0" + bytes(400),
    ],
)
def test_raw_photographs_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    for name, said in (("picture.tif", content), ("picture.NEF", bytes(99))):
        (tmp_path / name).write_bytes(said)
        with pytest.raises(InputError, match="found a raw photograph; develop it to JPEG or TIFF"):
            read_rgb(tmp_path / name)
    left_out = LeftOut()
    assert list(find_sources([str(tmp_path)], left_out)) == []
    assert left_out.raw.total() == 2


def pages(count: int, **options: Any) -> bytes:
    first, *others = [ImageOps.expand(FACE, border=number) for number in range(count)]
    return encoded(first, "TIFF", save_all=True, append_images=others, **options)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
def test_all_pages_of_a_file_are_read(compression: str) -> None:
    content = pages(3, compression=compression)
    found = list(read_pages(content))
    assert [(number, rgb.shape[0]) for number, rgb in found] == [(1, 200), (2, 202), (3, 204)]
    with pytest.warns(UserWarning, match=r"picture: page 1 of 3; features\.pictures\.read_pages reads all"):
        np.testing.assert_array_equal(read_rgb(content), found[0][1])
    ((number, _),) = read_pages(pages(1))
    assert number is None
    with pytest.raises(InputError, match="at most 100 pages, found 101"):
        next(read_pages(pages(101)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_tiff_is_turned_once(orientation: int, compression: str) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(rgb), "TIFF", exif=exif(orientation), compression=compression)
    upright = ImageOps.exif_transpose(
        Image.open(io.BytesIO(encoded(Image.fromarray(rgb), "PNG", exif=exif(orientation))))
    )
    np.testing.assert_array_equal(read_rgb(content), np.asarray(upright))


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    return fail


@pytest.mark.attack("memory that runs out while a picture is decoded", "said, and no fault of the picture")
@pytest.mark.parametrize(
    "error",
    [MemoryError(), OSError(12, "Cannot allocate memory"), OSError("out of memory error when reading image file")],
)
def test_too_little_memory_is_no_bad_picture(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", failing(error))
    with pytest.raises(OutOfMemory, match="picture: expected enough memory, found too little"):
        read_rgb(encoded(FACE, "PNG"))
