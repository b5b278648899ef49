"""Arrays of pixels of any dtype and number of channels -> uint8 RGB arrays."""

from __future__ import annotations

import numpy as np

from facial_emotion import limits
from facial_emotion.errors import InputError

_OVERSHOOT = 0.05  # of floats over 1 or below 0, as filters leave it


def array_to_rgb(array: np.ndarray) -> np.ndarray:
    """An array as uint8 RGB (h, w, 3), from grey (h, w) or (h, w, 1), RGB (h, w, 3) or RGBA (h, w, 4).

    dtypes: bool, uint8, uint16 (0-65535), integers (0-255) and floats (0-1, clipped where rounding went a little
    beyond). The channel order is RGB: convert OpenCV's BGR first.
    """
    expected = "shape (h, w), (h, w, 3) or (h, w, 4); bool, uint8, uint16, integers 0-255 or float 0-1"
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InputError("picture array", expected, f"shape {array.shape}")
    check_size("picture array", array.shape[1], array.shape[0])
    pixels = _to_uint8(array, expected)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        opacity = pixels[..., 3:].astype(np.float32) / 255
        return np.rint(pixels[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def check_size(name: object, width: int, height: int, most: int = limits.PIXELS) -> None:
    """Raise InputError for a picture, frame or array of too many pixels, or with too long a side."""
    if width * height > most:
        raise InputError(name, f"at most {most} pixels", f"{width} x {height}")
    if max(width, height) > limits.SIDE:
        raise InputError(name, f"sides of at most {limits.SIDE} pixels", f"{width} x {height}", "cut it into parts")


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
        return np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    if array.dtype.kind in "iu":
        least, most = int(array.min()), int(array.max())
        if least < 0 or most > 255:
            raise InputError("picture array", expected, f"{array.dtype} from {least} to {most}")
        return array.astype(np.uint8)
    raise InputError("picture array", expected, str(array.dtype))


def grey_of_integers(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 or 32 bits as uint16 over its whole range; fewer bits are scaled by what they can hold."""
    clipped: np.ndarray = np.clip(values, 0, 65535).astype(np.uint16)
    highest = int(clipped.max(initial=0))
    bits = next((bits for bits in (8, 10, 12) if 0 < highest < 1 << bits), 16)
    return np.left_shift(clipped, 16 - bits, dtype=np.uint16)


def grey_of_floats(values: np.ndarray, name: object) -> np.ndarray:
    """Float grey values as 0-1; those of up to 255 are divided by it. Raises InputError for others."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and 1 < high <= 255:
        return np.asarray(values / 255)
    if not (low >= 0 and high <= 1):  # also true of NaN
        raise InputError(name, "floats from 0 to 1, or to 255", f"{low:.3g} to {high:.3g}")
    return values
