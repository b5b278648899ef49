"""Splits for data that does not say which rows to train on."""

from __future__ import annotations

import numpy as np

from facial_emotion.data.csv_form import SPLITS

SHARE = 0.1  # of the rows of each emotion, that PublicTest and PrivateTest get
_SEED = 0  # always the same, so that a model is judged later on rows that it was not trained on
RULE = f"{1 - 2 * SHARE:.0%} Training, {SHARE:.0%} PublicTest, {SHARE:.0%} PrivateTest of each emotion, seed {_SEED}"


def stratified(labels: np.ndarray) -> np.ndarray:
    """Split codes uint8 (n,), indices into SPLITS, for labels int64 (n,): a tenth of each emotion's rows is PublicTest,
    a tenth PrivateTest, at least one row each where there are three, and the rest Training.
    """
    rng = np.random.default_rng(_SEED)
    splits = np.full(len(labels), SPLITS.index("Training"), dtype=np.uint8)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        count = max(round(SHARE * len(rows)), int(len(rows) >= 3))
        splits[rows[:count]] = SPLITS.index("PublicTest")
        splits[rows[count : 2 * count]] = SPLITS.index("PrivateTest")
    return splits
