"""Image decoding: files, bytes, PIL images and arrays -> uint8 RGB arrays."""

from __future__ import annotations

import importlib.util
import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from facial_emotion import limits
from facial_emotion.errors import InputError, OutOfMemory, memory_checked
from facial_emotion.features import headers
from facial_emotion.features.pixels import array_to_rgb, grey_of_floats, grey_of_integers

if TYPE_CHECKING:
    from PIL import Image

# Pillow's decoders that are used. Others would start programs (EPS), or are not for photographs.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "AVIF", "JPEG2000", "PPM")
_DEVELOP = "develop it to JPEG or TIFF: its preview is not the picture"
_NAMES = {"WEBP": "WebP", "JPEG2000": "JPEG 2000", "HEIF": "HEIC"}
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
_ORIENTATION = 0x0112  # the EXIF tag
# By the tag's value: an upright picture's pixels in the order in which the file stores them.
_AS_STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda rgb: rgb,
    2: lambda rgb: rgb[:, ::-1],
    3: lambda rgb: rgb[::-1, ::-1],
    4: lambda rgb: rgb[::-1],
    5: lambda rgb: rgb.swapaxes(0, 1),
    6: lambda rgb: np.rot90(rgb),
    7: lambda rgb: rgb[::-1, ::-1].swapaxes(0, 1),
    8: lambda rgb: np.rot90(rgb, -1),
}
_STRIP = 256  # rows of a picture that are converted at once, for little memory
_FRAMES = 30  # of an animation that are looked at for one that is not blank


def read_rgb(
    source: str | os.PathLike[str] | bytes | BinaryIO | np.ndarray | Image.Image,
    max_pixels: int = limits.PIXELS,
    formats: tuple[str, ...] | None = None,
) -> np.ndarray:
    """A picture as uint8 RGB, shape (height, width, 3).

    source: a path, an encoded file's bytes, an open file, a PIL image, or an array (see ``array_to_rgb``); formats: of
    an encoded file, some of ``readable_formats()``, by default all. EXIF rotation is applied, transparency is blended
    with white, values of more than 8 bits are reduced to 8, of an animation the first frame that is not of one colour
    is decoded, and of a file of several pages the first one, with a warning. Raises InputError if it is not a picture,
    truncated, or larger than ``max_pixels`` (than a part of it for kinds in ``limits.COST``) or ``limits.PIXELS``, and
    OutOfMemory. Decoding takes up to 11 bytes of memory for each of these pixels.
    """
    from PIL import Image

    if isinstance(source, np.ndarray):
        return array_to_rgb(source)
    if isinstance(source, Image.Image):
        with _decoding("image", "a picture", "one that can't be decoded"):
            return _image_to_rgb(source, "image", max_pixels)
    name, content = _content(source)
    with _opened(name, content, formats) as image:
        count = _select_page(image, name, 0)
        rgb = _image_to_rgb(image, name, max_pixels, content)
    if count > 1:
        warnings.warn(f"{name}: page 1 of {count}; features.pictures.read_pages reads all", stacklevel=2)
    return rgb


def read_pages(source: str | os.PathLike[str] | bytes) -> Iterator[tuple[int | None, np.ndarray]]:
    """The pages of a picture's file, each with its number from 1; of one page its picture alone, without a number.

    Arguments, pictures and errors are those of ``read_rgb``. The file is opened anew for each page, so that nothing
    stays open, and no warning switched off, while the caller works.
    """
    name, content = _content(source)
    count, index = 1, 0
    while index < count:
        with _opened(name, content, None) as image:
            count = _select_page(image, name, index)
            rgb = _image_to_rgb(image, name, limits.PIXELS, content)
        index += 1
        yield index if count > 1 else None, rgb


@contextmanager
def _opened(name: object, content: bytes, formats: tuple[str, ...] | None) -> Iterator[Image.Image]:
    """An encoded picture, opened. Raises InputError for whatever is raised while it is open."""
    from PIL import Image

    convert = "convert it to JPEG" if formats else "install facial-emotion with the extra [heic], or convert it to JPEG"
    formats = formats or readable_formats()
    names = [_NAMES.get(each, each) for each in formats if each != "DIB"]
    expected = f"a whole {', '.join(names[:-1])} or {names[-1]} picture"
    if headers.is_raw(name, content):
        raise InputError(name, expected, "a raw photograph", _DEVELOP)
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        if "HEIF" not in formats:
            raise InputError(name, expected, "HEIC", convert)
        _register_heic()
    else:
        formats = tuple(each for each in formats if each != "HEIF")
    scans = headers.scans(content) if content.startswith(b"\xff\xd8") else 0
    if scans > limits.SCANS:
        raise InputError(name, f"a JPEG of at most {limits.SCANS} scans", str(scans), "save it again")
    with _decoding(name, expected, f"{len(content)} bytes that are none"):
        try:
            with Image.open(io.BytesIO(content), formats=formats) as image:
                if image.format == "TIFF" and headers.is_raw_tiff(image):
                    raise InputError(name, expected, "a raw photograph", _DEVELOP)
                yield image
        except Image.DecompressionBombError as error:
            raise InputError(name, f"at most {limits.PIXELS} pixels", "far more") from error


@contextmanager
def _decoding(name: object, expected: str, found: str) -> Iterator[None]:
    """Raise InputError, or OutOfMemory, for the many types of exceptions that decoders raise on invalid bytes."""
    try:
        with memory_checked(name), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about large pictures, which are checked
            yield
    except (InputError, OutOfMemory):
        raise
    except Exception as error:
        raise InputError(name, expected, f"{found} ({type(error).__name__})") from error


def _select_page(image: Image.Image, name: object, index: int) -> int:
    """Go to one of the pages of an opened picture, and return their number."""
    if image.format != "TIFF" or getattr(image, "n_frames", 1) == 1:
        return 1
    places = headers.pages(image, name)
    image.seek(places[index])
    return len(places)


@cache
def readable_formats() -> tuple[str, ...]:
    """FORMATS and, where the package pi-heif is installed (extras "heic" and "app"), HEIF: what phones take as HEIC."""
    return FORMATS if importlib.util.find_spec("pi_heif") is None else (*FORMATS, "HEIF")


@cache
def _register_heic() -> None:
    """Make Pillow read HEIC; only where there is such a picture, since importing the decoder takes time."""
    import pi_heif

    pi_heif.register_heif_opener()


def _content(source: object) -> tuple[object, bytes]:
    """What to call an encoded picture, and its bytes."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "picture", bytes(source)
    read = getattr(source, "read", None)
    if callable(read):
        content = read()
        if not isinstance(content, bytes):
            raise InputError("picture", "a file opened in binary mode", f"{type(content).__name__} from it")
        return getattr(source, "name", "picture"), content
    if not isinstance(source, str | os.PathLike):
        advice = "was the file found? cv2.imread gives None where it is not" if source is None else ""
        raise InputError("picture", "a path, bytes, an open file, a PIL image or an array", _kind(source), advice)
    path = Path(source)
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever, a device never end
            raise InputError(source, "a picture file", "a folder" if path.is_dir() else "a pipe or device")
        size = path.stat().st_size
        if size > limits.FILE:
            raise InputError(source, f"at most {limits.FILE} bytes", str(size))
        with memory_checked(source):
            return source, path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError | OutOfMemory):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(source, "a picture file", reason, _hint(str(source))) from error


def _hint(path: str) -> str:
    """What may be wrong with the name of a file that isn't there."""
    if "[" in path and "]" in path:
        return "in a pattern, brackets stand for one of the characters in them: write [[] for a bracket"
    return ""


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__


def _image_to_rgb(image: Image.Image, name: object, max_pixels: int, content: bytes = b"") -> np.ndarray:
    """An opened picture as uint8 RGB (h, w, 3). content: the bytes of its file, where there is one."""
    headers.check(image, name, max_pixels, content)
    if image.format == "TIFF":
        image.load()  # Pillow turns it, and removes the tag
    orientation = _orientation(image)
    as_stored = _AS_STORED[orientation]
    whole = _whole_jpeg(image, content)
    if whole is not None and orientation == 1:
        return whole
    frame = _first_frame(image, name, max_pixels)
    # Turning changes a picture's sides in both directions alike.
    height, width = as_stored(np.empty((frame.height, frame.width, 0))).shape[:2]
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    stored = as_stored(rgb)
    if whole is not None:
        stored[:] = whole
    elif frame.mode.startswith("I"):  # grey in 16 or 32 bits
        stored[:] = array_to_rgb(grey_of_integers(np.asarray(frame)))
    elif frame.mode == "F":
        stored[:] = array_to_rgb(grey_of_floats(np.asarray(frame), name))
    else:
        for top in range(0, frame.height, _STRIP):
            strip = frame.crop((0, top, frame.width, min(top + _STRIP, frame.height)))
            stored[top : top + _STRIP] = np.asarray(_opaque(strip))
    return rgb


def _whole_jpeg(image: Image.Image, content: bytes) -> np.ndarray | None:
    """The pixels uint8 RGB (h, w, 3) of an undamaged JPEG in colour, as stored; None for others.

    The decoder is that of Pillow's packages, libjpeg-turbo, with the same pixels in less time.
    """
    if image.format not in ("JPEG", "MPO") or image.mode != "RGB":
        return None
    import simplejpeg

    with suppress(ValueError):  # it is damaged: Pillow says whether it can be read
        if simplejpeg.decode_jpeg_header(content)[:2] == (image.height, image.width):
            return simplejpeg.decode_jpeg(content, "RGB")
    return None


def _opaque(picture: Image.Image) -> Image.Image:
    """A picture in RGB; one with transparency is blended with white."""
    from PIL import Image

    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return picture.convert("RGB")
    rgba = picture.convert("RGBA")
    white = Image.new("RGB", rgba.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _first_frame(image: Image.Image, name: object, max_pixels: int) -> Image.Image:
    """The first frame of an animation that is not of one colour; a picture as it is.

    As many are looked at as have ``max_pixels`` together, and one at least. A frame may be larger than those before.
    """
    frames = getattr(image, "n_frames", 1) if image.format in ("GIF", "WEBP", "PNG", "AVIF") else 1
    looks = min(frames, _FRAMES, max(1, max_pixels // (image.width * image.height)))
    for number in range(looks if frames > 1 else 0):
        image.seek(number)
        headers.check(image, name, max_pixels)
        if any(low != high for low, high in np.array(image.convert("RGB").getextrema()).reshape(-1, 2)):
            return image
    if frames > 1:
        image.seek(0)
    return image


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none. Other metadata, damaged or not, is not read."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # damaged metadata, in many ways: the picture is good without
        return 1
    return orientation if orientation in _AS_STORED else 1
