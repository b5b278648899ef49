"""Crops as training sees them: never twice the same.

Everything random comes from the generator that is given, so a batch can be made again exactly.
"""

from __future__ import annotations

import numpy as np


def batch(
    crops: np.ndarray, targets: np.ndarray, amount: dict[str, float], side: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Augmented crops float32 (n, side, side, 1), 0-255, and their targets (n, 7).

    crops: uint8 (n, 48, 48). amount: "rotation" in degrees, "scale" and "shift" as shares of the side,
    "brightness" in grey levels and "contrast" as a share, all as largest deviations either way; "erasing",
    the share of crops that lose a rectangle (Zhong et al., AAAI 2020); "mixup", the parameter of the beta
    distribution that crops and targets are blended by, 0 for none (Zhang et al., ICLR 2018).
    """
    matrices = _matrices(len(crops), amount, side, rng)
    moved = np.stack([_move(crop, matrix, side) for crop, matrix in zip(crops, matrices, strict=True)])
    moved = _light(moved.astype(np.float32), amount, rng)
    _erase(moved, amount["erasing"], rng)
    if amount["mixup"] > 0:
        moved, targets = _mix(moved, targets, amount["mixup"], rng)
    return moved[..., None], targets.astype(np.float32)


def resize(crops: np.ndarray, side: int) -> np.ndarray:
    """Crops uint8 (n, 48, 48) as they are, float32 (n, side, side, 1)."""
    import cv2

    if crops.shape[1] != side:
        crops = np.stack([cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) for crop in crops])
    return crops[..., None].astype(np.float32)


def _matrices(count: int, amount: dict[str, float], side: int, rng: np.random.Generator) -> np.ndarray:
    """Affine maps (n, 2, 3) from crop to augmented crop, by pixel centres: mirror, rotate, scale, shift."""
    angle = np.radians(rng.uniform(-amount["rotation"], amount["rotation"], count))
    scale = (1 + rng.uniform(-amount["scale"], amount["scale"], count)) * side / 48
    sign = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    shift = rng.uniform(-amount["shift"], amount["shift"], (count, 2)) * side
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    linear = turn * scale[:, None, None]
    linear[:, :, 0] *= sign[:, None]
    offset = (side - 1) / 2 + shift - linear @ np.array([23.5, 23.5])
    return np.concatenate([linear, offset[:, :, None]], axis=2)


def _move(crop: np.ndarray, matrix: np.ndarray, side: int) -> np.ndarray:
    import cv2

    return cv2.warpAffine(crop, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _light(crops: np.ndarray, amount: dict[str, float], rng: np.random.Generator) -> np.ndarray:
    shape = (len(crops), 1, 1)
    contrast = 1 + rng.uniform(-amount["contrast"], amount["contrast"], shape)
    brightness = rng.uniform(-amount["brightness"], amount["brightness"], shape)
    mean = crops.mean(axis=(1, 2), keepdims=True)
    return np.clip((crops - mean) * contrast + mean + brightness, 0, 255).astype(np.float32)


def _erase(crops: np.ndarray, share: float, rng: np.random.Generator) -> None:
    """Fill a rectangle of 2 to 25 % of some crops with noise, in place."""
    side = crops.shape[1]
    for index in np.flatnonzero(rng.random(len(crops)) < share):
        area, ratio = rng.uniform(0.02, 0.25) * side**2, np.exp(rng.uniform(-1, 1))
        height, width = (min(side, max(1, round(np.sqrt(area * by)))) for by in (ratio, 1 / ratio))
        top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
        crops[index, top : top + height, left : left + width] = rng.uniform(0, 255, (height, width))


def _mix(
    crops: np.ndarray, targets: np.ndarray, parameter: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    share = rng.beta(parameter, parameter, len(crops))
    share = np.maximum(share, 1 - share).astype(np.float32)
    other = rng.permutation(len(crops))
    crops = crops * share[:, None, None] + crops[other] * (1 - share[:, None, None])
    return crops, targets * share[:, None] + targets[other] * (1 - share[:, None])
