"""Rows that show the same picture: FER2013 has them within and across its splits.

A model is far better on a test row whose near-duplicate it was fitted on, so figures are given with
and without such rows.
"""

from __future__ import annotations

import numpy as np

NEAR = 0.95  # zero-mean normalised correlation from which two crops count as near-duplicates
_BLOCK = 1024


def near_duplicates(crops: np.ndarray, reference: np.ndarray, threshold: float = NEAR) -> np.ndarray:
    """Which crops have a near-duplicate in a reference set.

    crops: (n, 48, 48) uint8; reference: (m, 48, 48) uint8. Returns bool, shape (n,): True where the
    zero-mean normalised correlation with some reference crop is over the threshold.
    """
    known = _standardised(reference)  # (m, 2304) float32
    found = np.zeros(len(crops), dtype=bool)
    for start in range(0, len(crops), _BLOCK):
        block = _standardised(crops[start : start + _BLOCK])
        for first in range(0, len(known), 8 * _BLOCK):
            correlation = block @ known[first : first + 8 * _BLOCK].T
            found[start : start + _BLOCK] |= (correlation > threshold).any(axis=1)
    return found


def exact_copies(crops: np.ndarray) -> np.ndarray:
    """For each crop the index of the first identical one (its own if none stands before it), int64, shape (n,)."""
    flat = np.ascontiguousarray(crops).reshape(len(crops), -1)
    keys = flat.view(np.dtype((np.void, flat.shape[1] or 1))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first[inverse]


def _standardised(crops: np.ndarray) -> np.ndarray:
    """Crops as rows of zero mean and unit length, float32, (n, 2304); a flat crop is all zero."""
    rows = crops.reshape(len(crops), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    result: np.ndarray = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return result
