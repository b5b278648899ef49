"""Image decoding: every format gives the same picture, and what is none is refused in one line."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image, ImageOps
from skimage.data import astronaut

from facial_emotion.errors import InputError
from facial_emotion.features import pictures
from facial_emotion.features.faces import find_faces
from facial_emotion.features.pictures import FORMATS, read_rgb
from facial_emotion.features.pixels import array_to_rgb
from facial_emotion.limits import PIXELS
from tests.made import many_scans


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    result: np.ndarray = astronaut()
    return result


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def sixteen_bit(rgb: np.ndarray) -> Image.Image:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint16) * 257
    return Image.fromarray(grey)


def of_bits(rgb: np.ndarray, bits: int) -> Image.Image:
    """A grey picture whose 16-bit pixels hold values of so many bits."""
    return Image.fromarray(np.asarray(sixteen_bit(rgb)) >> (16 - bits))


def animation(frames: list[np.ndarray]) -> bytes:
    first, *others = (Image.fromarray(frame) for frame in frames)
    return encoded(first, "GIF", save_all=True, append_images=others, duration=100)


def damaged_exif() -> bytes:
    """Orientation 6 and a resolution whose offset lies far behind the end."""
    entries = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 0x011A, 5, 1, 0x7FFFFFF0)
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2) + entries + struct.pack(">I", 0)


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "jpeg": lambda rgb: encoded(Image.fromarray(rgb), "JPEG"),
    "webp": lambda rgb: encoded(Image.fromarray(rgb), "WEBP"),
    "bmp": lambda rgb: encoded(Image.fromarray(rgb), "BMP"),
    "grey png": lambda rgb: encoded(Image.fromarray(rgb).convert("L"), "PNG"),
    "rgba png": lambda rgb: encoded(Image.fromarray(rgb).convert("RGBA"), "PNG"),
    "palette gif": lambda rgb: encoded(Image.fromarray(rgb).quantize(256), "GIF"),
    "cmyk jpeg": lambda rgb: encoded(Image.fromarray(rgb).convert("CMYK"), "JPEG"),
    "16-bit png": lambda rgb: encoded(sixteen_bit(rgb), "PNG"),
    "avif": lambda rgb: encoded(Image.fromarray(rgb), "AVIF"),
    "jpeg 2000": lambda rgb: encoded(Image.fromarray(rgb), "JPEG2000"),
    "ppm": lambda rgb: encoded(Image.fromarray(rgb), "PPM"),
    "10 bits in 16": lambda rgb: encoded(of_bits(rgb, 10), "PNG"),
    "8 bits in 32": lambda rgb: encoded(of_bits(rgb, 8).convert("I"), "TIFF"),
    "floats to 255": lambda rgb: encoded(of_bits(rgb, 8).convert("F"), "TIFF"),
    "animation, first frame blank": lambda rgb: animation([np.zeros_like(rgb), rgb, rgb]),
    "damaged metadata": lambda rgb: encoded(Image.fromarray(np.rot90(rgb).copy()), "JPEG", exif=damaged_exif()),
    "open file": lambda rgb: io.BytesIO(encoded(Image.fromarray(rgb), "PNG")),
    "rotated jpeg": lambda rgb: encoded(Image.fromarray(np.rot90(rgb).copy()), "JPEG", exif=exif(6)),
    "array": lambda rgb: rgb,
    "rgba array": lambda rgb: np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]),
    "16-bit array": lambda rgb: rgb.astype(np.uint16) * 257,
    "float array": lambda rgb: rgb / 255,
    "overshooting floats": lambda rgb: rgb / 255 * 1.04 - 0.02,
    "int array": lambda rgb: rgb.astype(np.int32),
    "PIL image": Image.fromarray,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_format_decodes_to_the_same_picture(form: str, portrait: np.ndarray) -> None:
    rgb = read_rgb(FORMS[form](portrait))
    assert rgb.shape == portrait.shape
    assert rgb.dtype == np.uint8
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(int)
    assert np.abs(grey - cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)).mean() < 6
    assert len(find_faces(rgb)) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_metadata_says(orientation: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (300, 20, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(rgb), "PNG", exif=exif(orientation))
    with Image.open(io.BytesIO(content)) as image:
        np.testing.assert_array_equal(read_rgb(content), np.asarray(ImageOps.exif_transpose(image)))


def bomb(side: int) -> bytes:
    """A PNG whose header declares side x side pixels, without pixel data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    quality=st.integers(5, 100),
    subsampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
    progressive=st.booleans(),
    damage=st.none() | st.tuples(st.floats(0.4, 1), st.integers(0, 255)),
)
@settings(max_examples=150, deadline=None)
def test_a_jpeg_is_read_as_pillow_reads_it(
    size: tuple[int, int], quality: int, subsampling: str, progressive: bool, damage: tuple[float, int] | None
) -> None:
    picture = Image.fromarray(np.ascontiguousarray(astronaut()[100 : 100 + size[1], 200 : 200 + size[0]]))
    content = bytearray(encoded(picture, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive))
    if damage is not None:
        content[int(damage[0] * (len(content) - 1))] = damage[1]
    try:
        expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    except Exception:  # whatever Pillow raises
        with pytest.raises(InputError):
            read_rgb(bytes(content))
    else:
        assert_array_equal(read_rgb(bytes(content)), expected)


@pytest.mark.attack("truncated, huge and closed kinds of pictures", "one line")
def test_damaged_pictures_are_one_line_errors(portrait: np.ndarray, tmp_path: Path) -> None:
    whole = encoded(Image.fromarray(portrait), "JPEG")
    for content, message in (
        (b"", "found 0 bytes"),
        (b"not a picture", "found 13 bytes"),
        (whole[: len(whole) // 2], "bytes that are none"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "found 41 bytes"),
        (bomb(20_000), f"expected at most {PIXELS} pixels, found far more"),
        (bomb(12_000), f"expected at most {PIXELS} pixels, found 12000 x 12000"),
        (many_scans(Image.fromarray(portrait), 5000), "expected a JPEG of at most 64 scans, found 50"),
        (
            encoded(Image.new("L", (9000, 9000)), "JPEG", progressive=True),
            f"at most {PIXELS // 2} pixels of a progressive JPEG, found 9000 x 9000",
        ),
    ):
        path = tmp_path / "picture.jpg"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"picture\.jpg: expected") as caught:
            read_rgb(path)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="No such file"):
        read_rgb(tmp_path / "none.jpg")


@pytest.mark.attack("arrays that are no pictures", "one line")
@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(9, np.uint8),
        np.full((4, 4), 1.5),
        np.full((4, 4), 256),
        np.full((4, 4), np.nan),
    ],
)
def test_arrays_that_are_not_pictures_are_rejected(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="picture array: expected shape"):
        array_to_rgb(wrong)


@pytest.mark.attack("None, folders, pipes, text files", "one line")
@pytest.mark.parametrize(
    ("source", "found"),
    [
        (None, "found None; was the file found"),
        (7, "found int"),
        (io.StringIO("text"), "expected a file opened in binary mode, found str"),
        (os.devnull, "expected a picture file, found a pipe or device"),
        ("", "found a folder"),
        ("zero\0byte.jpg", "embedded null"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "found 16 bytes that are none"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "bytes that are none (UnidentifiedImageError)"),
    ],
)
def test_what_is_no_picture_is_said(source: Any, found: str) -> None:
    with pytest.raises(InputError) as caught:
        read_rgb(source)
    assert found in str(caught.value)


def test_a_picture_of_a_phone_is_read_upright() -> None:
    # the astronaut's face, 120 x 128, stored as HEIC on its side
    rgb = read_rgb(Path(__file__).parent / "portrait.heic")
    assert rgb.shape == (120, 128, 3)
    face = Image.fromarray(astronaut()[:256, 96:352]).resize((128, 128)).crop((0, 0, 128, 120))
    assert np.abs(rgb.astype(int) - np.asarray(face)).mean() < 4


def test_a_picture_of_a_phone_is_refused_where_heic_is_not_read() -> None:
    with pytest.raises(InputError, match="JPEG 2000 or PPM picture, found HEIC; convert it to JPEG"):
        read_rgb(Path(__file__).parent / "portrait.heic", formats=FORMATS)


def test_a_picture_of_a_phone_says_which_package_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "readable_formats", lambda: FORMATS)
    with pytest.raises(InputError, match=r"found HEIC; install facial-emotion with the extra \[heic\], or convert it"):
        read_rgb(Path(__file__).parent / "portrait.heic")


def test_transparency_is_blended_with_white() -> None:
    half = np.zeros((2, 2, 4), np.uint8)
    half[..., 3] = 128
    assert array_to_rgb(half)[0, 0].tolist() == [127, 127, 127]
