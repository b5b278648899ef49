"""Does an export say what the library said that trained it?"""

from __future__ import annotations

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.records import Json

EXACT = 1e-4  # what single precision may cost a probability


def parity(bound: float, library: np.ndarray, served: np.ndarray, labels: np.ndarray) -> Json:
    """How far the served probabilities (n, 7) are from the library's; more than the bound is a broken export.

    Also the accuracy that serving costs on these rows, as a share. At a bound of EXACT every label must be the same.
    """
    difference = float(np.abs(library - served).max())
    said, answered = library.argmax(axis=1), served.argmax(axis=1)
    same = float((said == answered).mean())
    if difference > bound or (same < 1 and bound <= EXACT):
        found = f"a difference of {difference:.2g}, {same:.2%} of the labels the same"
        raise InputError("export", f"the library's probabilities within {bound}", found)
    lost = float((said == labels).mean() - (answered == labels).mean())
    return {
        "rows": len(library),
        "bound": bound,
        "largest_difference": difference,
        "same_labels": same,
        "accuracy_lost": lost,
    }
