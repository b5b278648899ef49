"""Hard conditions: crops as they come from dark, blurred, small, compressed, turned and covered faces.

Each condition changes crops uint8 (n, 48, 48), the same at every call; the last one leaves nothing to recognise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

_SIDE = 48
_EYES, _MOUTH = slice(14, 24), slice(27, 46)  # rows of a crop: between brows and cheeks; from the nose tip to the chin

Condition = Callable[[np.ndarray], np.ndarray]


def _each(change: Callable[[np.ndarray], np.ndarray]) -> Condition:
    return lambda crops: np.stack([change(crop) for crop in crops]) if len(crops) else crops


def _dark(share: float, crops: np.ndarray) -> np.ndarray:
    """A share of the light, on a sensor that adds noise of three grey levels."""
    noise = np.random.default_rng(0).normal(0, 3, crops.shape)
    return np.clip(np.rint(crops * share + noise), 0, 255).astype(np.uint8)


def _noisy(deviation: float, crops: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, deviation, crops.shape)
    return np.clip(np.rint(crops + noise), 0, 255).astype(np.uint8)


def _small(side: int, crop: np.ndarray) -> np.ndarray:
    """A face of so many pixels, enlarged."""
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)


def _compressed(quality: int, crop: np.ndarray) -> np.ndarray:
    _, content = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE))


def _turned(degrees: float, crop: np.ndarray) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D(((_SIDE - 1) / 2, (_SIDE - 1) / 2), degrees, 1.0)
    return cv2.warpAffine(crop, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _covered(rows: slice, grey: int, crops: np.ndarray) -> np.ndarray:
    covered = crops.copy()
    covered[:, rows, 4:44] = grey
    return covered


def _hand(crop: np.ndarray) -> np.ndarray:
    """A hand, of the face's own grey, over half of the mouth and a cheek."""
    shade = int(np.median(crop))
    return cv2.ellipse(crop.copy(), (32, 36), (14, 9), -30, 0, 360, shade, -1)


CONDITIONS: dict[str, Condition] = {
    "as it is": lambda crops: crops,
    "dark": partial(_dark, 0.2),
    "blurred": _each(lambda crop: cv2.GaussianBlur(crop, (0, 0), 2.0)),
    "noisy": partial(_noisy, 25.0),
    "32 pixels": _each(partial(_small, 32)),
    "24 pixels": _each(partial(_small, 24)),
    "16 pixels": _each(partial(_small, 16)),
    "12 pixels": _each(partial(_small, 12)),
    "JPEG 10": _each(partial(_compressed, 10)),
    "turned by 20 degrees": _each(partial(_turned, 20)),
    "sunglasses": partial(_covered, _EYES, 20),
    "mask": partial(_covered, _MOUTH, 200),
    "hand": _each(_hand),
    "black": np.zeros_like,
}
