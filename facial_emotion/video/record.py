"""Compact in-memory table of recognised faces: one row per face and frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.scene import Face

COLUMNS = [
    *("seconds", "face", "left", "top", "right", "bottom", "detection", *EMOTIONS),
    *("label", "confidence", "certain", "model"),
]
_ROW = np.dtype(
    [
        *(("seconds", "f8"), ("face", "i4"), ("box", "i4", 4), ("detection", "f4")),
        *(("probabilities", "f4", len(EMOTIONS)), ("emotion", "i1"), ("certain", "?"), ("model", "i2")),
    ]
)


class Record:
    """Rows in arrival order, in an array that grows by doubling; at ``max_rows`` rows the oldest half is dropped.

    start: the time that seconds are counted from, by default that of the first row.
    """

    def __init__(self, max_rows: int = 1_000_000, start: float | None = None) -> None:
        self._rows, self._count, self._max_rows = np.zeros(1024, dtype=_ROW), 0, max_rows
        self._start = start
        self._models: list[str] = []

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> np.ndarray:
        """A copy of all rows: seconds, face, box, detection, probabilities, emotion, certain, model."""
        return self._rows[: self._count].copy()

    def add(self, seconds: float, face: Face, model: str) -> None:
        """Append a face at a time in seconds, by any clock, as a model recognised it."""
        answer = face.detection, tuple(face.probabilities), face.index, face.certain
        self.add_row(seconds, model, face.number, tuple(face.box), *answer)

    def add_row(self, seconds: float, model: str, *values: object) -> None:
        """Append a row: number, box, detection, probabilities, index of the label, certain or not."""
        self._start = seconds if self._start is None else self._start
        if model not in self._models:
            self._models.append(model)
        if self._count == self._max_rows:
            self._count -= self._max_rows // 2
            self._rows[: self._count] = self._rows[self._max_rows // 2 : self._max_rows].copy()
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[self._count] = (seconds - self._start, *values, self._models.index(model))
        self._count += 1

    def to_csv(self, more: Mapping[str, Sequence[str]] = MappingProxyType({})) -> str:
        """All rows as CSV with the columns COLUMNS and ``more``, values by column; seconds are from the start on."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*COLUMNS, *more])
        for row, *others in zip(self.rows, *more.values(), strict=True):
            label = [EMOTIONS[row["emotion"]], f"{row['probabilities'][row['emotion']]:.4f}", bool(row["certain"])]
            where = [f"{row['seconds']:.3f}", row["face"], *row["box"], f"{row['detection']:.4f}"]
            shares = [f"{probability:.4f}" for probability in row["probabilities"]]
            writer.writerow([*where, *shares, *label, self._models[row["model"]], *others])
        return text.getvalue()


def shares(rows: np.ndarray) -> dict[str, float]:
    """The share of the time with each label, the largest first; rows: of a record."""
    counts = np.bincount(rows["emotion"], minlength=len(EMOTIONS)) / max(1, len(rows))
    return {EMOTIONS[index]: float(counts[index]) for index in np.argsort(-counts) if counts[index]}
