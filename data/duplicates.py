"""Detection of duplicate and near-duplicate pictures, which FER2013 has within and across its splits.

Accuracy on test rows with a near-duplicate in Training is biased upwards, so scores are computed with and without them.
"""

from __future__ import annotations

import numpy as np

NEAR = 0.95  # zero-mean normalised correlation from which two crops count as near-duplicates
_BLOCK = 1024  # crops that are compared at once


def near_duplicates(crops: np.ndarray, reference: np.ndarray, threshold: float = NEAR) -> np.ndarray:
    """Find the crops that have a near-duplicate in a reference set.

    crops: (n, 48, 48) uint8; reference: (m, 48, 48) uint8. Returns bool, shape (n,): True where the
    zero-mean normalised correlation with some reference crop is over the threshold.
    """
    standardised_reference = _standardised(reference)  # (m, 2304) float32
    duplicated = np.zeros(len(crops), dtype=bool)
    for start in range(0, len(crops), _BLOCK):
        block = _standardised(crops[start : start + _BLOCK])
        for first in range(0, len(standardised_reference), 8 * _BLOCK):
            correlation = block @ standardised_reference[first : first + 8 * _BLOCK].T
            duplicated[start : start + _BLOCK] |= (correlation > threshold).any(axis=1)
    return duplicated


def exact_copies(crops: np.ndarray) -> np.ndarray:
    """The index of the first identical crop for each crop, its own if there is no earlier one: int64, shape (n,)."""
    flat = np.ascontiguousarray(crops).reshape(len(crops), -1)
    keys = flat.view(np.dtype((np.void, flat.shape[1] or 1))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first[inverse]


def _standardised(crops: np.ndarray) -> np.ndarray:
    """Crops as rows of zero mean and unit length, float32, (n, 2304); a flat crop is all zero."""
    rows = crops.reshape(len(crops), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
