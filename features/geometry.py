"""Named geometric features of the landmarks: openings, heights, slopes, angles and distances.

The points are normalised by the eye centres, so all components are invariant to translation, scale and in-plane
rotation. Components of one side of the face come in pairs, which mirroring swaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from facial_emotion.features.landmarks import INNER, MIRROR, POINTS

_SMALLEST = 1e-6  # the least that a length is divided by


@dataclass(frozen=True)
class _Component:
    """A component: its name, how it is computed, and the vectors (each a row of weights (68,) of the points) it is of.

    kind: "length", the mean of one or two vectors' lengths, divided by the length of ``divisor`` if any; "height", y of
    a vector; "slope", the angle of a vector with the horizontal; "angle", between two vectors; "area", of the polygon
    whose corners the vectors are.
    """

    name: str
    kind: str
    vectors: tuple[np.ndarray, ...]
    divisor: np.ndarray | None = None

    def mirrored(self, name: str) -> _Component:
        """The component of the other side of the face."""
        divisor = None if self.divisor is None else self.divisor[MIRROR]
        return _Component(name, self.kind, tuple(vector[MIRROR] for vector in self.vectors), divisor)


def _at(*points: int) -> np.ndarray:
    """A point by its number in the 68-point scheme, or the mean of several: weights float32 (68,)."""
    weights = np.zeros(POINTS, dtype=np.float32)
    weights[list(points)] = 1 / len(points)
    return weights


def _length(name: str, *vectors: np.ndarray, by: np.ndarray | None = None) -> _Component:
    return _Component(name, "length", vectors, by)


def _height(name: str, above: np.ndarray, below: np.ndarray) -> _Component:
    """How far one point is above another."""
    return _Component(name, "height", (below - above,))


def _slope(name: str, outer: np.ndarray, inner: np.ndarray) -> _Component:
    """Angle in radians of the line from outer to inner end; positive where the inner end is higher."""
    return _Component(name, "slope", (outer - inner,))


def _one_side() -> Iterator[_Component]:
    """Components of the side on the left of the picture; those of the other side are the same through MIRROR."""
    outer, inner, eye, nose_tip = _at(36), _at(39), _at(*range(36, 42)), _at(30)
    brow = [_at(point) for point in range(17, 22)]  # outer end to inner end
    corner, wing, lip_middle = _at(48), _at(31), _at(51, 57)
    lids = (_at(37) - _at(41), _at(38) - _at(40))

    yield _length("eye opening", *lids)
    yield _length("eye width", outer - inner)
    yield _length("eye aspect", *lids, by=outer - inner)
    yield _slope("eye slope", outer, inner)
    yield _height("upper lid above corners", _at(37, 38), _at(36, 39))
    yield _height("lower lid below corners", _at(36, 39), _at(40, 41))
    yield _height("brow height, outer", brow[0], eye)
    yield _height("brow height, middle", brow[2], eye)
    yield _height("brow height, inner", brow[4], eye)
    yield _slope("brow slope", brow[0], brow[4])
    yield _slope("brow slope, inner half", brow[2], brow[4])
    yield _height("brow arch", brow[2], _at(17, 21))
    yield _length("brow length", brow[4] - brow[0])
    yield _length("brow to nose root", brow[4] - _at(27))
    yield _height("mouth corner lift", corner, lip_middle)
    yield _Component("mouth corner angle", "angle", (_at(49) - corner, _at(59) - corner))
    yield _length("mouth corner to eye", corner - outer)
    yield _length("mouth corner to nose wing", corner - wing)
    yield _length("mouth corner to nose tip", corner - nose_tip)
    yield _length("mouth corner to chin", corner - _at(8))
    yield _height("inner mouth corner lift", _at(60), lip_middle)
    yield _slope("upper lip slope", corner, _at(50))
    yield _slope("lower lip slope", corner, _at(58))
    yield _length("lip opening, side", _at(61) - _at(67))
    yield _length("nose wing to eye", wing - inner)
    yield _height("nose wing height", nose_tip, wing)
    yield _length("nose tip to eye", nose_tip - outer)
    for point in (2, 4, 6):
        yield _length(f"nose tip to jaw {point}", nose_tip - _at(point))


def _middle() -> Iterator[_Component]:
    """Components that mirroring leaves unchanged."""
    upper, upper_inner, lower_inner, lower = (_at(point) for point in (51, 62, 66, 57))  # down the middle of the lips
    width = _at(48) - _at(54)
    yield _length("mouth width", width)
    yield _length("mouth height", upper - lower)
    yield _length("mouth aspect", upper - lower, by=width)
    yield _length("lip opening", upper_inner - lower_inner)
    yield _length("lip opening aspect", upper_inner - lower_inner, by=_at(60) - _at(64))
    yield _length("upper lip thickness", upper - upper_inner)
    yield _length("lower lip thickness", lower - lower_inner)
    yield _height("mouth corners above middle", _at(48, 54), _at(51, 57))
    yield _Component("mouth area", "area", tuple(_at(point) for point in range(48, 60)))
    yield _Component("lip opening area", "area", tuple(_at(point) for point in range(60, 68)))
    yield _length("brow gap", _at(21) - _at(22))
    yield _length("brow tips gap", _at(17) - _at(26))
    yield _length("nose length", _at(27) - _at(30))
    yield _length("nose width", _at(31) - _at(35))
    yield _height("nose tip above base", _at(30), _at(33))
    yield _length("nose to upper lip", _at(33) - upper)
    yield _length("lower lip to chin", lower - _at(8))
    yield _length("nose to chin", _at(33) - _at(8))
    yield _height("face height", _at(19, 24), _at(8))
    yield _length("jaw width", _at(4) - _at(12))
    yield _length("cheek width", _at(1) - _at(15))


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


def _components() -> list[tuple[_Component, str]]:
    """All components, each with its name in the mirrored face: both sides in pairs, then the middle."""
    found = []
    for one in _one_side():
        left, right = f"left {one.name}", f"right {one.name}"
        found += [(replace(one, name=left), right), (one.mirrored(right), left)]
    return found + [(one, one.name) for one in _middle()]


def _names() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """The names of all components, and the index (d,) and sign (d,) by which mirroring permutes them."""
    names = [one.name for one, _ in _COMPONENTS]
    partners = [names.index(partner) for _, partner in _COMPONENTS]
    signs = [1.0] * len(names)
    first = len(names)
    for point in range(INNER.start, INNER.stop):
        for offset, axis in enumerate("xy"):
            names.append(f"{axis} of point {point}")
            partners.append(first + 2 * (int(MIRROR[point]) - INNER.start) + offset)
            signs.append(-1.0 if axis == "x" else 1.0)
    return tuple(names), np.array(partners), np.array(signs, dtype=np.float32)


def _places() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The vectors of all components as one matrix (m, 68), and by kind the columns and the indices of their vectors.

    An array has a row for each component of the kind: its column, then its vectors, a single length twice. "divided"
    has the column and the divisor. "area" has a row for each corner: column, corner, following corner.
    """
    vectors: list[np.ndarray] = []
    places: dict[str, list[tuple[int, ...]]] = {}

    def index(vector: np.ndarray) -> int:
        vectors.append(vector)
        return len(vectors) - 1

    for column, (one, _) in enumerate(_COMPONENTS):
        indices = [index(vector) for vector in one.vectors]
        if one.kind == "area":
            corners = zip(indices, [*indices[1:], indices[0]], strict=True)
            places.setdefault("area", []).extend((column, *pair) for pair in corners)
            continue
        both = indices * 2 if one.kind == "length" and len(indices) == 1 else indices
        places.setdefault(one.kind, []).append((column, *both))
        if one.divisor is not None:
            places.setdefault("divided", []).append((column, index(one.divisor)))
    return np.stack(vectors), {kind: np.array(rows).T for kind, rows in places.items()}


_COMPONENTS = _components()
# geometry(mirrored face) == MIRROR_SIGN * geometry(face)[:, MIRROR_INDEX]
NAMES, MIRROR_INDEX, MIRROR_SIGN = _names()
_VECTORS, _PLACES = _places()
# The column of each area, and the indices of its edges in _PLACES["area"].
_POLYGONS = [(area, np.flatnonzero(_PLACES["area"][0] == area)) for area in np.unique(_PLACES["area"][0])]


def geometry(points: np.ndarray) -> np.ndarray:
    """Geometric features of landmarks (n, 68, 2), in any unit: float32 (n, len(NAMES)).

    Invariant to translation, rotation and scale of the points; lengths are in units of the interocular distance.
    """
    faces = upright(points)
    vectors = _VECTORS @ faces  # (n, m, 2)
    x, y = vectors[..., 0], vectors[..., 1]
    lengths = np.sqrt(x**2 + y**2)
    values = np.zeros((len(faces), len(NAMES)), dtype=np.float32)

    column, first, second = _PLACES["length"]
    values[:, column] = (lengths[:, first] + lengths[:, second]) / 2
    column, divisor = _PLACES["divided"]
    values[:, column] /= np.maximum(lengths[:, divisor], _SMALLEST)
    column, vector = _PLACES["height"]
    values[:, column] = y[:, vector]
    column, vector = _PLACES["slope"]
    values[:, column] = np.arctan2(y[:, vector], np.abs(x[:, vector]))
    column, first, second = _PLACES["angle"]
    across = np.abs(x[:, first] * y[:, second] - y[:, first] * x[:, second])
    values[:, column] = np.arctan2(across, x[:, first] * x[:, second] + y[:, first] * y[:, second])
    _, corner, following = _PLACES["area"]  # the shoelace formula
    crossed = x[:, corner] * y[:, following] - x[:, following] * y[:, corner]
    for area, edges in _POLYGONS:
        values[:, area] = np.abs(crossed[:, edges].sum(axis=1)) / 2

    values[:, len(_COMPONENTS) :] = faces[:, INNER].reshape(len(faces), -1)  # x17, y17, x18, ...
    return values
