"""Whether a crop shows enough of a face: not one that is black, out of focus, a few pixels large, or behind a mask.

A model can be sure of such crops, as they are like nothing that it was fitted on. What they lack is detail: the root
mean square of the Laplacian of the smoothed crop, in units of the crop's contrast, a measure of focus (Pertuz, Puig and
Garcia, "Analysis of focus measure operators for shape-from-focus", Pattern Recognition 46, 2013).
"""

from __future__ import annotations

import cv2
import numpy as np

# Grey levels of standard deviation, and detail of the face and around its mouth. 0.2 % of Training's crops have less
# detail than one of these.
CONTRAST, FACE_DETAIL, MOUTH_DETAIL = 5.0, 0.158, 0.100
_FACE, _MOUTH = (slice(6, 42), slice(6, 42)), (slice(30, 42), slice(12, 36))  # rows and columns
_SMOOTHING = 0.8  # pixels: noise is no detail


def are_visible(crops: np.ndarray) -> np.ndarray:
    """Which crops uint8 (n, 48, 48) show enough of a face: bool (n,)."""
    return np.array([_is_visible(crop) for crop in crops], dtype=bool)


def _is_visible(crop: np.ndarray) -> bool:
    contrast = float(crop.std())
    if contrast < CONTRAST:
        return False
    smooth = cv2.GaussianBlur(crop.astype(np.float32), (0, 0), _SMOOTHING)
    squares = (cv2.Laplacian(smooth, cv2.CV_32F) / contrast) ** 2
    return all(squares[part].mean() >= least**2 for part, least in ((_FACE, FACE_DETAIL), (_MOUTH, MOUTH_DETAIL)))
