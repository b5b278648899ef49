"""Named geometric features of the landmarks: openings, heights, slopes, angles and distances.

The points are normalised by the eye centres, so all components are invariant to translation, scale and in-plane
rotation. Components of one side of the face come in pairs, which mirroring swaps.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from facial_emotion.features.landmarks import INNER, MIRROR, POINTS

# One side of the face, by the 68-point numbering: the side on the left of the picture. The other
# side is the same list through MIRROR.
_BROW = (17, 18, 19, 20, 21)  # outer end to inner end
_EYE = (36, 37, 38, 39, 40, 41)  # outer corner, upper lid twice, inner corner, lower lid twice
_MOUTH_CORNER, _INNER_CORNER = 48, 60
_UPPER_LIP, _LOWER_LIP = 50, 58  # beside the middle, outer contour
_NOSE_WING, _JAW, _CHIN = 31, (2, 4, 6), 8
_NOSE_ROOT, _NOSE_TIP, _NOSE_BASE = 27, 30, 33
_LIPS = (51, 62, 66, 57)  # down the middle: upper outer, upper inner, lower inner, lower outer


def upright(points: np.ndarray) -> np.ndarray:
    """Normalise landmarks (n, 68, 2), in any unit: eyes level, interocular distance 1, its middle at (0, 0); float32.

    Faces with coinciding eye centres have no scale; their points are all zero.
    """
    points = np.asarray(points, dtype=np.float64)
    left, right = points[:, 36:42].mean(axis=1), points[:, 42:48].mean(axis=1)
    axis = right - left
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    axis = np.divide(axis, length**2, out=np.zeros_like(axis), where=length > 0)
    centred = points - ((left + right) / 2)[:, None]
    across = (centred * axis[:, None]).sum(axis=2)
    down = centred[..., 1] * axis[:, None, 0] - centred[..., 0] * axis[:, None, 1]
    return np.stack([across, down], axis=2).astype(np.float32)


def geometry(points: np.ndarray) -> np.ndarray:
    """Geometric features of landmarks (n, 68, 2), in any unit: float32 (n, len(NAMES)).

    Invariant to translation, rotation and scale of the points; lengths are in units of the interocular distance.
    """
    faces = upright(points)
    columns = [values for _, _, values in _components(faces)]
    coordinates = faces[:, INNER].reshape(len(faces), -1)  # x17, y17, x18, ...
    return np.hstack([np.stack(columns, axis=1), coordinates]).astype(np.float32)


def _components(faces: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """(name, name in the mirrored face, values (n,)) of each component of upright faces (n, 68, 2)."""
    count = len(faces)
    for name, values in _one_side(np.concatenate([faces, faces[:, MIRROR]])):
        yield f"left {name}", f"right {name}", values[:count]
        yield f"right {name}", f"left {name}", values[count:]
    for name, values in _middle(faces):
        yield name, name, values


def _one_side(faces: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Components of the left side; of faces whose points are permuted by MIRROR, those of the right side."""

    def at(point: int) -> np.ndarray:
        return faces[:, point]

    outer, inner = at(_EYE[0]), at(_EYE[3])
    lids = (_length(at(37) - at(41)) + _length(at(38) - at(40))) / 2
    eye = faces[:, 36:42].mean(axis=1)
    brow = [at(point) for point in _BROW]
    corner, wing = at(_MOUTH_CORNER), at(_NOSE_WING)
    lip_middle = (faces[:, _LIPS[0]] + faces[:, _LIPS[3]]) / 2

    yield "eye opening", lids
    yield "eye width", _length(outer - inner)
    yield "eye aspect", lids / np.maximum(_length(outer - inner), 1e-6)
    yield "eye slope", _slope(outer, inner)
    yield "upper lid above corners", _above(outer, inner, (at(37) + at(38)) / 2)
    yield "lower lid below corners", -_above(outer, inner, (at(40) + at(41)) / 2)
    yield "brow height, outer", eye[:, 1] - brow[0][:, 1]
    yield "brow height, middle", eye[:, 1] - brow[2][:, 1]
    yield "brow height, inner", eye[:, 1] - brow[4][:, 1]
    yield "brow slope", _slope(brow[0], brow[4])
    yield "brow slope, inner half", _slope(brow[2], brow[4])
    yield "brow arch", _above(brow[0], brow[4], brow[2])
    yield "brow length", _length(brow[4] - brow[0])
    yield "brow to nose root", _length(brow[4] - faces[:, _NOSE_ROOT])
    yield "mouth corner lift", lip_middle[:, 1] - corner[:, 1]
    yield "mouth corner angle", _corner_angle(corner, at(49), at(59))
    yield "mouth corner to eye", _length(corner - outer)
    yield "mouth corner to nose wing", _length(corner - wing)
    yield "mouth corner to nose tip", _length(corner - faces[:, _NOSE_TIP])
    yield "mouth corner to chin", _length(corner - faces[:, _CHIN])
    yield "inner mouth corner lift", lip_middle[:, 1] - at(_INNER_CORNER)[:, 1]
    yield "upper lip slope", _slope(corner, at(_UPPER_LIP))
    yield "lower lip slope", _slope(corner, at(_LOWER_LIP))
    yield "lip opening, side", _length(at(61) - at(67))
    yield "nose wing to eye", _length(wing - inner)
    yield "nose wing height", wing[:, 1] - faces[:, _NOSE_TIP, 1]
    yield "nose tip to eye", _length(faces[:, _NOSE_TIP] - outer)
    for point in _JAW:
        yield f"nose tip to jaw {point}", _length(faces[:, _NOSE_TIP] - at(point))


def _middle(faces: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Components that mirroring leaves unchanged."""

    def at(point: int) -> np.ndarray:
        return faces[:, point]

    upper, upper_inner, lower_inner, lower = (at(point) for point in _LIPS)
    width = _length(at(48) - at(54))
    yield "mouth width", width
    yield "mouth height", _length(upper - lower)
    yield "mouth aspect", _length(upper - lower) / np.maximum(width, 1e-6)
    yield "lip opening", _length(upper_inner - lower_inner)
    yield "lip opening aspect", _length(upper_inner - lower_inner) / np.maximum(_length(at(60) - at(64)), 1e-6)
    yield "upper lip thickness", _length(upper - upper_inner)
    yield "lower lip thickness", _length(lower - lower_inner)
    yield "mouth corners above middle", (upper[:, 1] + lower[:, 1] - at(48)[:, 1] - at(54)[:, 1]) / 2
    yield "mouth area", _area(faces[:, 48:60])
    yield "lip opening area", _area(faces[:, 60:68])
    yield "brow gap", _length(at(21) - at(22))
    yield "brow tips gap", _length(at(17) - at(26))
    yield "nose length", _length(at(_NOSE_ROOT) - at(_NOSE_TIP))
    yield "nose width", _length(at(31) - at(35))
    yield "nose tip above base", at(_NOSE_BASE)[:, 1] - at(_NOSE_TIP)[:, 1]
    yield "nose to upper lip", _length(at(_NOSE_BASE) - upper)
    yield "lower lip to chin", _length(lower - at(_CHIN))
    yield "nose to chin", _length(at(_NOSE_BASE) - at(_CHIN))
    yield "face height", at(_CHIN)[:, 1] - (at(19)[:, 1] + at(24)[:, 1]) / 2
    yield "jaw width", _length(at(4) - at(12))
    yield "cheek width", _length(at(1) - at(15))


def _length(vectors: np.ndarray) -> np.ndarray:
    """Euclidean norms (n,) of vectors (n, 2)."""
    result: np.ndarray = np.sqrt((vectors**2).sum(axis=1))
    return result


def _slope(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Angle in radians of the line from outer to inner end; positive where the inner end is higher."""
    result: np.ndarray = np.arctan2(outer[:, 1] - inner[:, 1], np.abs(inner[:, 0] - outer[:, 0]))
    return result


def _above(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Height of a point above the midpoint of two others."""
    result: np.ndarray = (start[:, 1] + end[:, 1]) / 2 - point[:, 1]
    return result


def _corner_angle(corner: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Angle in radians between the two lips at a mouth corner, 0 to pi."""
    up, down = upper - corner, lower - corner
    across = np.abs(up[:, 0] * down[:, 1] - up[:, 1] * down[:, 0])
    result: np.ndarray = np.arctan2(across, (up * down).sum(axis=1))
    return result


def _area(polygon: np.ndarray) -> np.ndarray:
    """Area of polygons (n, k, 2) by the shoelace formula."""
    following = np.roll(polygon, -1, axis=1)
    crossed = polygon[..., 0] * following[..., 1] - following[..., 0] * polygon[..., 1]
    result: np.ndarray = np.abs(crossed.sum(axis=1)) / 2
    return result


def _layout() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """The names of all components, and the index (d,) and sign (d,) by which mirroring permutes them."""
    parts = [(name, partner) for name, partner, _ in _components(np.zeros((1, POINTS, 2), dtype=np.float32))]
    names = [name for name, _ in parts]
    partners = [names.index(partner) for _, partner in parts]
    signs = [1.0] * len(names)
    first = len(names)
    for point in range(INNER.start, INNER.stop):
        for offset, axis in enumerate("xy"):
            names.append(f"{axis} of point {point}")
            partners.append(first + 2 * (int(MIRROR[point]) - INNER.start) + offset)
            signs.append(-1.0 if axis == "x" else 1.0)
    return tuple(names), np.array(partners), np.array(signs, dtype=np.float32)


# geometry(mirrored face) == MIRROR_SIGN * geometry(face)[:, MIRROR_INDEX]
NAMES, MIRROR_INDEX, MIRROR_SIGN = _layout()
