"""Named geometric features of the landmarks: openings, heights, slopes, angles and distances.

The points are normalised by the eye centres, so all components are invariant to translation, scale and in-plane
rotation. Components of one side of the face come in pairs, which mirroring swaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from facial_emotion.features.landmarks import INNER, MIRROR, POINTS, as_complex

_EYES = slice(36, 48)  # six points of the left one, then six of the right one
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
    faces = _upright(points)
    return np.stack([faces.real, faces.imag], axis=2)


def _upright(points: np.ndarray) -> np.ndarray:
    """The points of ``upright`` as complex64 (n, 68): x is real, y imaginary."""
    whole = as_complex(points)
    eyes = np.add.reduce(whole[:, _EYES].reshape(-1, 2, 6), axis=2) / 6
    axis, middle = eyes[:, 1:] - eyes[:, :1], (eyes[:, :1] + eyes[:, 1:]) / 2
    axis[axis == 0] = np.inf  # what is divided by it is 0
    turned: np.ndarray = (whole - middle) / axis
    return turned.astype(np.complex64)


def _components() -> list[tuple[_Component, str]]:
    """All components, each with its name in the mirrored face: both sides in pairs, then the middle."""
    components = []
    for one in _one_side():
        left, right = f"left {one.name}", f"right {one.name}"
        components += [(replace(one, name=left), right), (one.mirrored(right), left)]
    return components + [(one, one.name) for one in _middle()]


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


class _Layout(NamedTuple):
    """What ``geometry`` computes of the vectors of all components, kind by kind.

    vectors: float32 (m, 68), weights of the points. stops: where among the vectors each of these groups ends: the first
    vectors of lengths; the second ones, maybe the same; the divisors of the last lengths; heights; slopes; the first
    vectors of angles, then the corners of areas; the second vectors of angles, then the corners that follow those.
    angles: their number. first: where among the corners each area begins. order: the place, among the values of all
    kinds and the inner points' x and y, of each feature.
    """

    vectors: np.ndarray
    stops: tuple[int, ...]
    angles: int
    first: np.ndarray
    order: np.ndarray


def _layout() -> _Layout:
    """The layout of all components."""
    kinds = {kind: [one for one, _ in _COMPONENTS if one.kind == kind] for kind in _KINDS}
    kinds["length"].sort(key=lambda one: one.divisor is not None)
    lengths, heights, slopes, angles, areas = ([one.vectors for one in kinds[kind]] for kind in _KINDS)
    groups = [
        [one[0] for one in lengths],
        [one[-1] for one in lengths],
        [one.divisor for one in kinds["length"] if one.divisor is not None],
        [one[0] for one in heights],
        [one[0] for one in slopes],
        [one[0] for one in angles] + [corner for one in areas for corner in one],
        [one[1] for one in angles] + [corner for one in areas for corner in (*one[1:], one[0])],
    ]
    computed = [one.name for kind in _KINDS for one in kinds[kind]]
    inner = np.arange(2 * (INNER.stop - INNER.start)).reshape(2, -1).T.ravel()  # x17, y17, x18, ...
    return _Layout(
        vectors=np.concatenate(groups),
        stops=tuple(np.cumsum([len(group) for group in groups[:-1]]).tolist()),
        angles=len(angles),
        first=np.cumsum([0, *map(len, areas[:-1])]),
        order=np.concatenate([[computed.index(one.name) for one, _ in _COMPONENTS], len(computed) + inner]),
    )


_KINDS = ("length", "height", "slope", "angle", "area")
_COMPONENTS = _components()
# geometry(mirrored face) == MIRROR_SIGN * geometry(face)[:, MIRROR_INDEX]
NAMES, MIRROR_INDEX, MIRROR_SIGN = _names()
_LAYOUT = _layout()


def geometry(points: np.ndarray) -> np.ndarray:
    """Geometric features of landmarks (n, 68, 2), in any unit: float32 (n, len(NAMES)).

    Invariant to translation, rotation and scale of the points; lengths are in units of the interocular distance.
    """
    faces, of = _upright(points), _LAYOUT
    # A product of real matrices: one of complex ones, or with a vector, would start threads that then get in the way.
    # The rest is real too: complex arithmetic may round the same values in two ways.
    x, y = (of.vectors @ faces.view(np.float32).reshape(-1, POINTS, 2)).transpose(2, 0, 1)
    one, two, divisors, heights, slopes, pairs = of.stops
    x1, x2, y1, y2 = x[:, slopes:pairs], x[:, pairs:], y[:, slopes:pairs], y[:, pairs:]
    cross, dot = x1 * y2 - y1 * x2, x1 * x2 + y1 * y2
    x1, y1 = x[:, :divisors], y[:, :divisors]
    every = np.sqrt(x1 * x1 + y1 * y1)
    lengths = (every[:, :one] + every[:, one:two]) / 2
    lengths[:, two - divisors :] /= np.maximum(every[:, two:], _SMALLEST)
    values = (
        lengths,
        y[:, divisors:heights],
        np.arctan2(y[:, heights:slopes], np.abs(x[:, heights:slopes])),
        np.arctan2(np.abs(cross[:, : of.angles]), dot[:, : of.angles]),
        np.abs(np.add.reduceat(cross[:, of.angles :], of.first, axis=1)) / 2,  # the shoelace formula
        faces.real[:, INNER],
        faces.imag[:, INNER],
    )
    return np.concatenate(values, axis=1).take(of.order, axis=1)
