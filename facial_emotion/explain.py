"""Why a recognizer said what it said of a face: what changes its mind.

``occlusion`` works for every recognizer: cover a part of the face and look how much less sure it is (Zeiler and
Fergus, "Visualizing and understanding convolutional networks", ECCV 2014). For those that stand on descriptors,
``geometry`` and ``descriptors`` put a common value in the place of a component or of a point's descriptor.
All effects are in nats of log-odds of the label: above 0, the part speaks for it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from facial_emotion import artifact
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer

_PATCH, _STEP = 12, 4  # pixels of the crop: the side of what is covered, and from one cover to the next


@dataclass(frozen=True)
class Component:
    """A geometry component of a face: its name, its value, the common value, and its effect on the label."""

    name: str
    value: float
    common: float
    effect: float

    def in_words(self) -> str:
        """The component as a phrase."""
        direction = "larger" if self.value > self.common else "smaller"
        speaks = "for" if self.effect > 0 else "against"
        return f"{self.name} {self.value:.2f}, {direction} than the common {self.common:.2f}: speaks {speaks} it"


def occlusion(recognizer: Recognizer, crop: np.ndarray, label: str) -> np.ndarray:
    """How much each place of a crop, uint8 (48, 48), speaks for a label: float32 (48, 48).

    A place's effect is the mean over the covers that lie on it; a cover is the blurred face, with soft edges.
    """
    import cv2

    starts = np.arange(-_PATCH + _STEP, crop.shape[0], _STEP)
    blurred = cv2.GaussianBlur(crop, (0, 0), 8).astype(np.float32)
    masks = np.zeros((len(starts) ** 2, *crop.shape), dtype=np.float32)
    for index, (top, left) in enumerate((top, left) for top in starts for left in starts):
        masks[index, max(0, top) : top + _PATCH, max(0, left) : left + _PATCH] = 1
    soft = np.stack([cv2.GaussianBlur(mask, (0, 0), 1.5) for mask in masks])
    covered = np.rint(crop * (1 - soft) + blurred * soft).astype(np.uint8)
    odds = _odds(recognizer.predict_proba(np.concatenate([crop[None], covered])), label)
    effects = (odds[0] - odds[1:])[:, None, None]
    return ((effects * soft).sum(axis=0) / soft.sum(axis=0)).astype(np.float32)


def has_descriptors(recognizer: Recognizer) -> bool:
    """Whether the recognizer stands on landmarks and descriptors."""
    return "features" in recognizer.card


def geometry(recognizer: Recognizer, crop: np.ndarray, label: str, most: int = 6) -> list[Component]:
    """The named geometry components of a crop, uint8 (48, 48), with the largest effects on a label, largest first."""
    from facial_emotion.features import geometry as parts

    block = _block(recognizer, "geometry")
    if block is None:
        return []
    named = [index for index, name in enumerate(parts.NAMES) if " of point " not in name]
    groups = [[block[0] + index] for index in named]
    row, common, effects = _effects(recognizer, crop, label, groups)
    order = np.argsort(-np.abs(effects))[:most]
    return [
        Component(parts.NAMES[named[each]], float(row[groups[each]][0]), float(common[groups[each]][0]), effects[each])
        for each in order
    ]


def descriptors(recognizer: Recognizer, crop: np.ndarray, label: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The HOG descriptors of a crop's grid and their effects on a label.

    Returns the aligned face uint8 (64, 64), the descriptors' centres float32 (k, 2) in it, and their effects (k,).
    """
    from facial_emotion.features import hog
    from facial_emotion.features.landmarks import ALIGNED_SIDE, align, find_landmarks

    start, stop = _block(recognizer, "grid") or (0, 0)
    step = next((settings[2] for kind, *settings in recognizer.card["features"]["blocks"] if kind == "grid"), 8)
    centres = hog.grid_points(ALIGNED_SIDE, step)
    groups = np.array_split(np.arange(start, stop), len(centres)) if stop else []
    _, _, effects = _effects(recognizer, crop, label, [group.tolist() for group in groups])
    face = align(crop[None], find_landmarks(crop[None]))[0][0]
    return face, centres[: len(effects)], effects


def _effects(
    recognizer: Recognizer, crop: np.ndarray, label: str, groups: list[list[int]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of a crop (d,), common ones (d,), and what each group of columns adds to a label's log-odds.

    The mean of two: what is lost where the group alone is made common, and what is won where all else is (the two ends
    of a Shapley value; Lundberg and Lee, NeurIPS 2017).
    """
    from facial_emotion.features.extract import extract

    recipe = recognizer.card["features"]
    row, common = extract(crop[None], recipe)[0], _common(recognizer)
    without, alone = (np.repeat(start[None], len(groups), axis=0) for start in (row, common))
    for number, columns in enumerate(groups):
        without[number, columns], alone[number, columns] = common[columns], row[columns]
    rows = np.concatenate([row[None], common[None], without, alone])
    classify = dict(recognizer.steps)["classifier"]
    odds = _odds(np.concatenate([classify(part) for part in np.array_split(rows, -(-len(rows) // 64))]), label)
    lost, won = odds[0] - odds[2 : 2 + len(groups)], odds[2 + len(groups) :] - odds[1]
    return row, common, (lost + won) / 2


def _common(recognizer: Recognizer) -> np.ndarray:
    """The features (d,) of a typical face: the medians over Training, which the artifact holds."""
    content = artifact.read_file(recognizer.folder, recognizer.card, artifact.TYPICAL)
    return np.load(io.BytesIO(content), allow_pickle=False).astype(np.float32)


def _block(recognizer: Recognizer, kind: str) -> tuple[int, int] | None:
    """First column and the one after the last of the first block of a kind."""
    from facial_emotion.features.extract import column_ranges

    recipe = recognizer.card["features"]
    kinds = [name for name, *_ in recipe["blocks"]]
    return column_ranges(recipe)[kinds.index(kind)] if kind in kinds else None


def _odds(probabilities: np.ndarray, label: str) -> np.ndarray:
    """Log-odds (n,) of a label."""
    share = probabilities[:, EMOTIONS.index(label)].astype(np.float64)
    return np.log(np.maximum(share, 1e-6)) - np.log(np.maximum(1 - share, 1e-6))
