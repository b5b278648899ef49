"""Compact in-memory table of recognised faces: one row per face and frame."""

from __future__ import annotations

import csv
import io

import numpy as np

from facial_emotion.features.emotions import EMOTIONS

COLUMNS = ["seconds", "face", "left", "top", "right", "bottom", "detection", *EMOTIONS, "label"]
_ROW = np.dtype(
    [("seconds", "f8"), ("face", "i4"), ("box", "i4", 4), ("detection", "f4"), ("probabilities", "f4", len(EMOTIONS))]
)


class Record:
    """Rows in arrival order, in an array that grows by doubling; at ``max_rows`` rows the oldest half is dropped."""

    def __init__(self, max_rows: int = 1_000_000) -> None:
        self._rows, self._count, self._max_rows = np.zeros(1024, dtype=_ROW), 0, max_rows
        self._start: float | None = None

    def __len__(self) -> int:
        return self._count

    def add(self, seconds: float, face: int, box: np.ndarray, detection: float, probabilities: np.ndarray) -> None:
        """Append a row: seconds by any clock, face number, box (4,), detector's score, probabilities (7,)."""
        self._start = seconds if self._start is None else self._start
        if self._count == self._max_rows:
            self._count -= self._max_rows // 2
            self._rows[: self._count] = self._rows[self._max_rows // 2 : self._max_rows].copy()
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[self._count] = (seconds - self._start, face, tuple(box), detection, tuple(probabilities))
        self._count += 1

    def to_csv(self) -> str:
        """All rows as CSV: seconds since the first row, face, box, detector's score, seven probabilities, label."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in self._rows[: self._count]:
            probabilities = [f"{probability:.4f}" for probability in row["probabilities"]]
            label = EMOTIONS[int(row["probabilities"].argmax())]
            where = [*row["box"], f"{row['detection']:.4f}"]
            writer.writerow([f"{row['seconds']:.3f}", row["face"], *where, *probabilities, label])
        return text.getvalue()
