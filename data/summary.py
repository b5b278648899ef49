"""Summary statistics of FER2013 as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.data.csv_form import SPLITS
from facial_emotion.data.duplicates import exact_copies
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.terminal import table as new_table

if TYPE_CHECKING:
    from rich.table import Table

    from facial_emotion.data.fer2013 import Fer2013


def tables(fer: Fer2013) -> list[Table]:
    """Counts per split and class; duplicates within and across splits; agreement with FER+, if there are votes."""
    summaries = [_counts(fer), _duplicates(fer)]
    if fer.votes is not None:
        summaries.append(_agreement(fer))
    return summaries


def _counts(fer: Fer2013) -> Table:
    """Number of rows by split and label."""
    table = new_table("rows", ["split", *EMOTIONS, "all"])
    for name in SPLITS:
        counts = np.bincount(fer.split(name).labels, minlength=len(EMOTIONS))
        table.add_row(name, *map(str, counts), str(counts.sum()))
    return table


def _duplicates(fer: Fer2013) -> Table:
    """Numbers of exact copies of earlier rows, and of rows with a near-duplicate in Training, by split."""
    first = exact_copies(fer.crops)
    copies = first != np.arange(len(first))
    table = new_table("duplicates", ["split", *(f"copy of {name}" for name in SPLITS), "other label", "near Training"])
    for code, name in enumerate(SPLITS):
        rows = (fer.splits == code) & copies
        copies_of = [int((fer.splits[first[rows]] == other).sum()) for other in range(len(SPLITS))]
        relabelled = int((fer.labels[rows] != fer.labels[first[rows]]).sum())
        near = "" if code == 0 else str(int(fer.near_duplicates(name).sum()))
        table.add_row(name, *map(str, copies_of), str(relabelled), near)
    return table


def _agreement(fer: Fer2013) -> Table:
    """Agreement of FER+'s majority labels with FER2013's labels, by split."""
    table = new_table("FER+", ["split", "rows with a majority", "agree with FER2013"])
    majority = fer.majority_labels()
    for code, name in enumerate(SPLITS):
        voted = (fer.splits == code) & (majority >= 0)
        agree = (majority[voted] == fer.labels[voted]).mean() if voted.any() else float("nan")
        table.add_row(name, str(int(voted.sum())), f"{agree:.1%}")
    return table
