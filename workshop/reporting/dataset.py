"""FER2013 in figures: how many, how they look, how sure their labels are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.data.csv_form import SPLITS
from facial_emotion.data.duplicates import exact_copies
from facial_emotion.data.ferplus import majority_labels
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.visibility import CONTRAST

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013


def describe(data: Fer2013) -> dict[str, Any]:
    """Every figure of the data set, as plain numbers."""
    spread = data.crops.reshape(len(data.crops), -1).std(axis=1)
    copies = exact_copies(data.crops) != np.arange(len(data.crops))
    splits = {}
    for name in SPLITS:
        part = data.split(name)
        near = None if name == "Training" else int(data.near_duplicates(name).sum())
        splits[name] = {
            "rows": len(part),
            "per_class": dict(zip(EMOTIONS, np.bincount(part.labels, minlength=len(EMOTIONS)).tolist(), strict=True)),
            "pixel_mean": float(part.crops.mean()),
            "pixel_deviation": float(part.crops.std()),
            "flat": int((spread[part.rows] < CONTRAST).sum()),
            "copies": int(copies[part.rows].sum()),
            "near_duplicates_of_training": near,
        }
    return {"hash": data.hash, "rows": len(data.labels), "splits": splits, "ferplus": _opinions(data)}


def _opinions(data: Fer2013) -> dict[str, Any] | None:
    """What ten people said of the same rows; none without FER+."""
    if data.votes is None:
        return None
    majority, nobody = majority_labels(data.votes), data.votes[:, -1]
    voted = majority >= 0
    agree = majority == data.labels
    return {
        "rows_with_majority": int(voted.sum()),
        "agreement": float(agree[voted].mean()),
        "agreement_per_class": {
            name: float(agree[voted & (data.labels == label)].mean()) for label, name in enumerate(EMOTIONS)
        },
        "rows_without_a_face": int((nobody > data.votes.sum(axis=1) / 2).sum()),
    }
