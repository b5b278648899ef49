"""Data augmentation of crops: batches for networks, and moved copies for classical models.

All randomness comes from the generator or the seed that is passed in, so a batch can be reproduced exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from facial_emotion.records import Valid

ERASED_AREA = (0.02, 0.25)  # of a crop, as fractions: the least and the most


@dataclass(frozen=True)
class Augmentation:
    """Amounts of data augmentation, as largest deviations in either direction.

    rotation: degrees; scale and shift: fractions of the image size; brightness: grey levels; contrast: a fraction;
    erasing: the probability that a rectangle is erased (Zhong et al., AAAI 2020); mixup: the parameter of the beta
    distribution that mixing weights are drawn from, 0 for no mixup (Zhang et al., ICLR 2018).
    """

    rotation: Annotated[float, Valid("from 0 to 180", lambda value: 0 <= value <= 180)] = 0.0
    scale: Annotated[float, Valid("from 0 to 0.99", lambda value: 0 <= value <= 0.99)] = 0.0
    shift: Annotated[float, Valid("from 0 to 0.5", lambda value: 0 <= value <= 0.5)] = 0.0
    brightness: Annotated[float, Valid("from 0 to 255", lambda value: 0 <= value <= 255)] = 0.0
    contrast: Annotated[float, Valid("from 0 to 1", lambda value: 0 <= value <= 1)] = 0.0
    erasing: Annotated[float, Valid("from 0 to 1", lambda value: 0 <= value <= 1)] = 0.0
    mixup: Annotated[float, Valid("from 0 to 100", lambda value: 0 <= value <= 100)] = 0.0


def moved(crops: np.ndarray, amount: Augmentation, copies: int, seed: int) -> list[np.ndarray]:
    """Copies of crops uint8 (n, 48, 48), each rotated, scaled and shifted differently, as if a detector had cut the
    same faces out a little differently; of the same shape and dtype.
    """
    import cv2

    rng, (height, width) = np.random.default_rng(seed), crops.shape[1:]
    moved_copies = []
    for _ in range(copies):
        angles = rng.uniform(-amount.rotation, amount.rotation, len(crops))
        scales = rng.uniform(1 - amount.scale, 1 + amount.scale, len(crops))
        shifts = rng.uniform(-amount.shift * width, amount.shift * width, (len(crops), 2))
        copy = np.empty_like(crops)
        for row, (crop, angle, scale, shift) in enumerate(zip(crops, angles, scales, shifts, strict=True)):
            matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, scale)
            matrix[:, 2] += shift
            cv2.warpAffine(
                crop, matrix, (width, height), copy[row], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
        moved_copies.append(copy)
    return moved_copies


def augment_batch(
    crops: np.ndarray, targets: np.ndarray, amount: Augmentation, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Augmented crops float32 (n, size, size, 1), 0-255, and their targets (n, heads, 7).

    crops: uint8 (n, 48, 48). Half of them are mirrored, whatever the amount.
    """
    matrices = _affine_matrices(len(crops), amount, size, rng)
    warped = np.stack([_warp(crop, matrix, size) for crop, matrix in zip(crops, matrices, strict=True)])
    augmented = _change_brightness_and_contrast(warped.astype(np.float32), amount, rng)
    _erase_rectangles(augmented, amount.erasing, rng)
    if amount.mixup > 0:
        augmented, targets = _mixup(augmented, targets, amount.mixup, rng)
    return augmented[..., None], targets.astype(np.float32)


def resize(crops: np.ndarray, size: int) -> np.ndarray:
    """Crops uint8 (n, 48, 48) without augmentation, float32 (n, size, size, 1)."""
    import cv2

    if crops.shape[1] != size:
        crops = np.stack([cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA) for crop in crops])
    return crops[..., None].astype(np.float32)


def _affine_matrices(count: int, amount: Augmentation, size: int, rng: np.random.Generator) -> np.ndarray:
    """Affine maps (n, 2, 3) from crop to augmented crop, by pixel centres: mirror, rotate, scale, shift."""
    angle = np.radians(rng.uniform(-amount.rotation, amount.rotation, count))
    scale = (1 + rng.uniform(-amount.scale, amount.scale, count)) * size / 48
    sign = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    shift = rng.uniform(-amount.shift, amount.shift, (count, 2)) * size
    rotation = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    linear = rotation * scale[:, None, None]
    linear[:, :, 0] *= sign[:, None]
    offset = (size - 1) / 2 + shift - linear @ np.array([23.5, 23.5])
    return np.concatenate([linear, offset[:, :, None]], axis=2)


def _warp(crop: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    import cv2

    return np.asarray(
        cv2.warpAffine(crop, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _change_brightness_and_contrast(crops: np.ndarray, amount: Augmentation, rng: np.random.Generator) -> np.ndarray:
    shape = (len(crops), 1, 1)
    contrast = 1 + rng.uniform(-amount.contrast, amount.contrast, shape)
    brightness = rng.uniform(-amount.brightness, amount.brightness, shape)
    mean = crops.mean(axis=(1, 2), keepdims=True)
    changed: np.ndarray = np.clip((crops - mean) * contrast + mean + brightness, 0, 255)
    return changed.astype(np.float32)


def _erase_rectangles(crops: np.ndarray, probability: float, rng: np.random.Generator) -> None:
    """Fill a rectangle of ERASED_AREA of a crop with noise, in place."""
    size = crops.shape[1]
    for index in np.flatnonzero(rng.random(len(crops)) < probability):
        area, ratio = rng.uniform(*ERASED_AREA) * size**2, np.exp(rng.uniform(-1, 1))
        height, width = (min(size, max(1, round(np.sqrt(area * factor)))) for factor in (ratio, 1 / ratio))
        top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
        crops[index, top : top + height, left : left + width] = rng.uniform(0, 255, (height, width))


def _mixup(
    crops: np.ndarray, targets: np.ndarray, parameter: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    weight = rng.beta(parameter, parameter, len(crops))
    weight = np.maximum(weight, 1 - weight).astype(np.float32)
    partner = rng.permutation(len(crops))
    crops = crops * weight[:, None, None] + crops[partner] * (1 - weight[:, None, None])
    return crops, targets * weight[:, None, None] + targets[partner] * (1 - weight[:, None, None])
