"""What is in FER2013, as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.data.csv_form import SPLITS
from facial_emotion.data.duplicates import exact_copies, near_duplicates
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.terminal import table as new_table

if TYPE_CHECKING:
    from rich.table import Table

    from facial_emotion.data.fer2013 import Fer2013


def tables(fer: Fer2013) -> list[Table]:
    """Counts per split and class; duplicates within and across splits; agreement with FER+ where votes are there."""
    found = [_counts(fer), _duplicates(fer)]
    if fer.votes is not None:
        found.append(_agreement(fer))
    return found


def _counts(fer: Fer2013) -> Table:
    table = new_table("rows", ["split", *EMOTIONS, "all"])
    for name in SPLITS:
        counts = np.bincount(fer.split(name).labels, minlength=len(EMOTIONS))
        table.add_row(name, *map(str, counts), str(counts.sum()))
    return table


def _duplicates(fer: Fer2013) -> Table:
    """Rows whose picture stands earlier in the file (exact), or is nearly one of Training (near)."""
    first = exact_copies(fer.crops)
    copies = first != np.arange(len(first))
    table = new_table("duplicates", ["split", *(f"copy of {name}" for name in SPLITS), "other label", "near Training"])
    training = fer.split("Training").crops
    for code, name in enumerate(SPLITS):
        mine = (fer.splits == code) & copies
        across = [int((fer.splits[first[mine]] == other).sum()) for other in range(len(SPLITS))]
        relabelled = int((fer.labels[mine] != fer.labels[first[mine]]).sum())
        near = "" if code == 0 else str(int(near_duplicates(fer.split(name).crops, training).sum()))
        table.add_row(name, *map(str, across), str(relabelled), near)
    return table


def _agreement(fer: Fer2013) -> Table:
    table = new_table("FER+", ["split", "rows with a majority", "agree with FER2013"])
    majority = fer.majority_labels()
    for code, name in enumerate(SPLITS):
        voted = (fer.splits == code) & (majority >= 0)
        agree = (majority[voted] == fer.labels[voted]).mean() if voted.any() else float("nan")
        table.add_row(name, str(int(voted.sum())), f"{agree:.1%}")
    return table
