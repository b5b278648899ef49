"""What a picture's file says of it before it is decoded: raw or not, its pages, and what decoding would cost."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from facial_emotion import limits
from facial_emotion.errors import InputError
from facial_emotion.features.pixels import check_size

if TYPE_CHECKING:
    from PIL import Image

# Suffixes of raw photographs. Many are TIFF files, with a small preview first.
RAW_SUFFIXES = frozenset(
    (
        *(".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf", ".pef"),
        *(".srw", ".3fr", ".fff", ".iiq", ".x3f", ".mrw", ".kdc", ".dcr", ".erf", ".mef", ".mos", ".rwl", ".gpr"),
    )
)
_RAW_BYTES = re.compile(
    rb"IIRO|IIRS|MMOR|IIU\0|II\*\0.{4}CR|FUJIFILMCCD-RAW|FOVb|\0MRM|II\x1a\0\0\0HEAPCCDR|.{4}ftypcrx ", re.DOTALL
)
# Tags of TIFF
_SUBFILE, _OLD_SUBFILE, _SUB_IFDS, _DNG = 254, 255, 330, 50706
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_SMALLER, _MASK = 1, 4  # bits of _SUBFILE: a smaller version of another page, a mask of one
_MARKER = re.compile(rb"\xff+([^\0\xff])", re.DOTALL)  # of a JPEG; \xff\0 is a byte of the picture


def is_raw(path: object, content: bytes) -> bool:
    """Whether a file is named as a raw photograph, and is no JPEG or PNG, or begins as one that is no TIFF."""
    named = Path(str(path)).suffix.lower() in RAW_SUFFIXES and not content.startswith((b"\xff\xd8", b"\x89PNG"))
    return named or _RAW_BYTES.match(content) is not None


def is_raw_tiff(image: Image.Image) -> bool:
    """Whether an opened TIFF is a raw photograph: its first page is a preview. Pillow opens no other ones."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    return _DNG in tags or (_is_smaller(tags) and _SUB_IFDS in tags)


def pages(image: Image.Image, name: object) -> list[int]:
    """Indices of an opened TIFF's pages, without masks and smaller versions of other pages."""
    count = image.n_frames  # type: ignore[attr-defined]
    if count > limits.PAGES:
        raise InputError(name, f"at most {limits.PAGES} pages", str(count), "save the pages as files of their own")
    whole = []
    for index in range(count):
        image.seek(index)
        if not _is_smaller(image.tag_v2):  # type: ignore[attr-defined]
            whole.append(index)
    return whole or [0]


def _is_smaller(tags: dict[int, object]) -> bool:
    subfile = tags.get(_SUBFILE, 0)
    return bool(isinstance(subfile, int) and subfile & (_SMALLER | _MASK)) or tags.get(_OLD_SUBFILE) == 2


def scans(content: bytes) -> int:
    """The number of a JPEG's scans: of its first picture, as phones put a video or a second picture behind it."""
    place, count = 2, 0
    while marker := _MARKER.search(content, place):
        kind, place = marker[1][0], marker.end()
        if kind == 0xD9:  # the end of the picture
            break
        if kind == 0x01 or 0xD0 <= kind <= 0xD8:  # these have no length
            continue
        count += kind == 0xDA
        place += max(2, int.from_bytes(content[place : place + 2]))
    return count


def check(image: Image.Image, name: object, max_pixels: int, content: bytes = b"") -> None:
    """Raise InputError for an opened picture, or a page or frame of it, whose decoding would take too much.

    content: the bytes of its file, where there is one.
    """
    kind = _kind(image, content)
    most = max_pixels // limits.COST.get(kind, 1)
    width, height = _allocated(image, content)
    if width * height > most:
        of_kind = f" of a {kind.replace('JPEG2000', 'JPEG 2000')}" if kind in limits.COST else ""
        raise InputError(name, f"at most {most} pixels{of_kind}", f"{width} x {height}")
    if max(width - image.width, height - image.height) > limits.PADDING:
        raise InputError(name, "parts that fit the picture", f"{width} x {height} in {image.width} x {image.height}")
    check_size(name, width, height)


def _kind(image: Image.Image, content: bytes) -> str:
    """The kind of a picture, as in ``limits.COST``."""
    if image.format in ("JPEG", "MPO"):
        return "progressive JPEG" if image.info.get("progressive") else "JPEG"
    if image.format == "PPM" and content[:2] in (b"P1", b"P2", b"P3"):
        return "plain PPM"
    if image.format == "TIFF" and image.mode[:1] in "IF":
        return "wide TIFF"
    return image.format or ""


def _allocated(image: Image.Image, content: bytes) -> tuple[int, int]:
    """Width and height of what would be decoded for a picture: of its tile, or its codestream, where that is larger."""
    width, height = image.size
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        sides = [tags.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_HEIGHT)]
        if all(isinstance(side, int) for side in sides):
            return max(width, sides[0]), max(height, sides[1])
    if image.format == "JPEG2000":
        # The codestream, which may differ from the header.
        start = content.find(b"\xff\x4f\xff\x51", max(0, content.find(b"jp2c")))
        if 0 <= start <= len(content) - 24:
            right, bottom, left, top = struct.unpack(">4I", content[start + 8 : start + 24])
            return max(width, right - left), max(height, bottom - top)
    return width, height
