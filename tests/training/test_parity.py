"""An export that says something else than the library is refused."""

from __future__ import annotations

import numpy as np
import pytest

from facial_emotion.errors import InputError
from facial_emotion.training.parity import EXACT, parity


def test_an_export_that_differs_is_not_written() -> None:
    library = np.eye(7) * 0.3 + 0.1
    labels = np.arange(7)
    assert parity(EXACT, library, library + 1e-6, labels)["accuracy_lost"] == 0
    with pytest.raises(InputError, match="export: expected the library's probabilities within"):
        parity(EXACT, library, library + 0.01, labels)
    level = np.full((7, 7), 1 / 7)
    level[:, 1] += 2e-5
    turned = np.roll(level, 1, axis=1)
    with pytest.raises(InputError, match=r"0\.00% of the labels the same"):
        parity(EXACT, level, turned, labels)
    assert parity(0.03, level, turned, labels)["same_labels"] == 0
