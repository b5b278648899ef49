"""Moved copies of crops: the same faces as if a detector had cut them out a little differently."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.records import to_json


@dataclass(frozen=True)
class Augmentation:
    """How many copies of Training are fitted on beside it, and the most that each crop of them is moved.

    shift: in pixels; scale: a share; rotation: in degrees. Each is drawn evenly from minus to plus that.
    """

    copies: int
    shift: float
    scale: float
    rotation: float

    def check(self, place: object) -> None:
        """Raise InputError for amounts that can't be."""
        if self.copies < 1 or not (0 <= self.shift < 24 and 0 <= self.scale < 1 and 0 <= self.rotation <= 180):
            expected = "'augmentation' with copies >= 1, shift < 24, scale < 1 and rotation <= 180, none below 0"
            raise InputError(place, expected, str(to_json(self)))


def moved(crops: np.ndarray, amount: Augmentation | None, seed: int) -> list[np.ndarray]:
    """The copies of crops uint8 (n, 48, 48), each of the same shape and dtype and moved differently; without an amount,
    none.
    """
    if amount is None:
        return []
    import cv2

    rng = np.random.default_rng(seed)
    height, width = crops.shape[1:]
    result = []
    for _ in range(amount.copies):
        angles = rng.uniform(-amount.rotation, amount.rotation, len(crops))
        scales = rng.uniform(1 - amount.scale, 1 + amount.scale, len(crops))
        shifts = rng.uniform(-amount.shift, amount.shift, (len(crops), 2))
        copy = np.empty_like(crops)
        for row, (crop, angle, scale, shift) in enumerate(zip(crops, angles, scales, shifts, strict=True)):
            matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, scale)
            matrix[:, 2] += shift
            cv2.warpAffine(
                crop, matrix, (width, height), copy[row], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
        result.append(copy)
    return result
