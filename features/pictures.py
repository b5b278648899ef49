"""Image decoding: files, bytes, PIL images and arrays -> uint8 RGB arrays."""

from __future__ import annotations

import importlib.util
import io
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 120_000_000  # larger pictures are rejected before decoding, against decompression bombs
# Pillow's decoders that are used. Others would start programs (EPS), or are not for photographs.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "AVIF", "JPEG2000", "PPM")
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
_SCANS = 64  # of a JPEG: each takes time for all pixels, and photographs have about ten
_PROGRESSIVE = 2  # memory for a pixel of a progressive JPEG, in that for one of other pictures
_OVERSHOOT = 0.05  # of floats over 1 or below 0, as filters leave it
_FRAMES = 30  # of an animation that are looked at for one that is not blank


def read_rgb(
    source: str | os.PathLike[str] | bytes | BinaryIO | np.ndarray | Image.Image,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
) -> np.ndarray:
    """A picture as uint8 RGB, shape (height, width, 3).

    source: a path, an encoded file's bytes, an open file, a PIL image, or an array (see ``array_to_rgb``); formats: of
    an encoded file, some of ``readable_formats()``, by default all. EXIF rotation is applied, transparency is blended
    with white, values of more than 8 bits are reduced to 8, and of an animation the first frame that is not of one
    colour is decoded. Raises InputError if it is not a picture, truncated, or larger than ``max_pixels`` (of a
    progressive JPEG, than half of it). Decoding takes up to 7 bytes of memory for a pixel.
    """
    from PIL import Image

    if isinstance(source, np.ndarray):
        return array_to_rgb(source)
    if isinstance(source, Image.Image):
        return _image_to_rgb(source, "image", max_pixels)
    name, content = _content(source)
    formats = formats or readable_formats()
    names = [_NAMES.get(each, each) for each in formats if each != "DIB"]
    expected = f"a whole {', '.join(names[:-1])} or {names[-1]} picture"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        if "HEIF" not in formats:
            raise InputError(name, expected, "HEIC", "convert it to JPEG, or have the phone take compatible pictures")
        _register_heic()
    else:
        formats = tuple(each for each in formats if each != "HEIF")
    scans = content.count(b"\xff\xda") if content.startswith(b"\xff\xd8") else 0
    if scans > _SCANS:
        raise InputError(name, f"a JPEG of at most {_SCANS} scans", str(scans), "save it again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about large pictures; max_pixels is checked below
            with Image.open(io.BytesIO(content), formats=formats) as image:
                return _image_to_rgb(image, name, max_pixels, content)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(name, f"at most {max_pixels} pixels", "far more") from error
    except Exception as error:  # Pillow's decoders raise many types of exceptions on invalid bytes
        found = f"{len(content)} bytes that are none ({type(error).__name__})"
        raise InputError(name, expected, found) from error


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
        return source, path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(source, "a picture file", getattr(error, "strerror", None) or str(error)) from error


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__


def array_to_rgb(array: np.ndarray) -> np.ndarray:
    """An array as uint8 RGB (h, w, 3), from grey (h, w) or (h, w, 1), RGB (h, w, 3) or RGBA (h, w, 4).

    dtypes: bool, uint8, uint16 (0-65535), integers (0-255) and floats (0-1, clipped where rounding went a little
    beyond). The channel order is RGB: convert OpenCV's BGR first.
    """
    expected = "shape (h, w), (h, w, 3) or (h, w, 4); bool, uint8, uint16, integers 0-255 or float 0-1"
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InputError("picture array", expected, f"shape {array.shape}")
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise InputError("picture array", f"at most {MAX_PIXELS} pixels", f"{array.shape[1]} x {array.shape[0]}")
    pixels = _to_uint8(array, expected)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        opacity = pixels[..., 3:].astype(np.float32) / 255
        return np.rint(pixels[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def _to_uint8(array: np.ndarray, expected: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16:
        return (array >> 8).astype(np.uint8)
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT):  # also true of NaN
            raise InputError("picture array", expected, f"floats from {low:.3g} to {high:.3g}")
        result: np.ndarray = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
        return result
    if array.dtype.kind in "iu":
        least, most = int(array.min()), int(array.max())
        if least < 0 or most > 255:
            raise InputError("picture array", expected, f"{array.dtype} from {least} to {most}")
        return array.astype(np.uint8)
    raise InputError("picture array", expected, str(array.dtype))


def _image_to_rgb(image: Image.Image, name: object, max_pixels: int, content: bytes = b"") -> np.ndarray:
    """An opened picture as uint8 RGB (h, w, 3). content: the bytes of its file, where there is one."""
    progressive = bool(image.info.get("progressive"))
    most = max_pixels // _PROGRESSIVE if progressive else max_pixels
    if image.width * image.height > most:
        kind = " of a progressive JPEG" if progressive else ""
        raise InputError(name, f"at most {most} pixels{kind}", f"{image.width} x {image.height}")
    orientation = _orientation(image)
    as_stored = _AS_STORED[orientation]
    whole = _whole_jpeg(image, content)
    if whole is not None and orientation == 1:
        return whole
    frame = _first_frame(image)
    # Turning changes a picture's sides in both directions alike.
    height, width = as_stored(np.empty((frame.height, frame.width, 0))).shape[:2]
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    stored = as_stored(rgb)
    if whole is not None:
        stored[:] = whole
    elif frame.mode.startswith("I"):  # grey in 16 or 32 bits
        stored[:] = array_to_rgb(_sixteen_bits(np.asarray(frame)))
    elif frame.mode == "F":
        stored[:] = array_to_rgb(_unit(np.asarray(frame), name))
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
            pixels: np.ndarray = simplejpeg.decode_jpeg(content, "RGB")
            return pixels
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


def _first_frame(image: Image.Image) -> Image.Image:
    """The first frame of an animation that is not of one colour; a picture as it is."""
    frames = getattr(image, "n_frames", 1) if image.format in ("GIF", "WEBP", "PNG", "AVIF") else 1
    for number in range(min(frames, _FRAMES) if frames > 1 else 0):
        image.seek(number)
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


def _sixteen_bits(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 or 32 bits as uint16 over its whole range; fewer bits are scaled by what they can hold."""
    clipped: np.ndarray = np.clip(values, 0, 65535).astype(np.uint16)
    highest = int(clipped.max(initial=0))
    bits = next((bits for bits in (8, 10, 12) if 0 < highest < 1 << bits), 16)
    scaled: np.ndarray = np.left_shift(clipped, 16 - bits, dtype=np.uint16)
    return scaled


def _unit(values: np.ndarray, name: object) -> np.ndarray:
    """Float grey values as 0-1; those of up to 255 are divided by it. Raises InputError for others."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and 1 < high <= 255:
        return np.asarray(values / 255)
    if not (low >= 0 and high <= 1):  # also true of NaN
        raise InputError(name, "floats from 0 to 1, or to 255", f"{low:.3g} to {high:.3g}")
    return values
