"""Image decoding: files, bytes, PIL images and arrays -> uint8 RGB arrays."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 120_000_000  # larger pictures are rejected before decoding, against decompression bombs


def read_rgb(source: str | Path | bytes | np.ndarray | Image.Image, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A picture as uint8 RGB, shape (height, width, 3).

    source: a path, an encoded file's bytes, a PIL image, or an array (see ``array_to_rgb``). EXIF
    rotation is applied, transparency is blended with white, 16-bit values are reduced to 8 bits, and of an animation
    the first frame is decoded. Raises InputError if it is not a picture, truncated, or larger than ``max_pixels``.
    """
    from PIL import Image

    if isinstance(source, np.ndarray):
        return array_to_rgb(source)
    if isinstance(source, Image.Image):
        return _image_to_rgb(source, "image", max_pixels)
    name: object = "picture"
    if isinstance(source, (str, Path)):
        name = source
        try:
            source = Path(source).read_bytes()
        except OSError as error:
            raise InputError(name, "a picture file", error.strerror or str(error)) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about large pictures; max_pixels is checked below
            with Image.open(io.BytesIO(source)) as image:
                return _image_to_rgb(image, name, max_pixels)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(name, f"at most {max_pixels} pixels", "far more") from error
    except Exception as error:  # Pillow's decoders raise many types of exceptions on invalid bytes
        found = f"{len(source)} bytes that are none ({type(error).__name__})"
        raise InputError(name, "a whole JPEG, PNG, WebP or BMP picture", found) from error


def array_to_rgb(array: np.ndarray) -> np.ndarray:
    """An array as uint8 RGB (h, w, 3), from grey (h, w) or (h, w, 1), RGB (h, w, 3) or RGBA (h, w, 4).

    dtypes: bool, uint8, uint16 (0-65535) and floats (0-1). The channel order is RGB: convert OpenCV's BGR first.
    """
    expected = "shape (h, w), (h, w, 3) or (h, w, 4); bool, uint8, uint16 or float 0-1"
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
        if not (low >= 0 and high <= 1):  # also true of NaN
            raise InputError("picture array", expected, f"floats from {low:.3g} to {high:.3g}")
        result: np.ndarray = np.rint(array * 255).astype(np.uint8)
        return result
    raise InputError("picture array", expected, str(array.dtype))


def _image_to_rgb(image: Image.Image, name: object, max_pixels: int) -> np.ndarray:
    from PIL import ImageOps

    if image.width * image.height > max_pixels:
        raise InputError(name, f"at most {max_pixels} pixels", f"{image.width} x {image.height}")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16-bit grey
        return array_to_rgb(np.clip(np.asarray(upright), 0, 65535).astype(np.uint16))
    if upright.mode == "F":
        return array_to_rgb(np.asarray(upright))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        return array_to_rgb(np.asarray(upright.convert("RGBA")))
    return np.array(upright.convert("RGB"))
