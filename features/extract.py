"""Feature extraction: crops -> feature vectors, by a feature recipe that is part of a model's card.

    {"blocks": [["grid", 8, 2, 8], ["patches", 5, 4], ["geometry"]]}

A block computes some columns from an aligned face and its landmarks, and defines how mirroring the face permutes them
and changes their signs. All values are integers or multiples of 1/256, so they are exact in half precision and no tree
threshold depends on rounding.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features import geometry, hog, lbp
from facial_emotion.features.crops import check_crops
from facial_emotion.features.landmarks import ALIGNED_SIDE, INNER, align, find_landmarks, predictor_file
from facial_emotion.records import Json
from facial_emotion.terminal import bar
from facial_emotion.threads import limit_threads

Recipe = Json
# Files that determine the features: their hash is part of the cache key.
_SOURCES = ("extract.py", "crop_calibration.json", "geometry.py", "hog.py", "landmarks.py", "lbp.py")
_PART = 256  # crops of one job of a parallel extraction
_GEOMETRY_STEP = 1 / 256


@dataclass(frozen=True)
class Block:
    """A block of columns of a feature vector.

    maps: an aligned face uint8 (64, 64) -> what ``compute`` takes, orientation maps (64, 64, 8) or the face itself.
    compute: (maps, aligned points (68, 2)) -> float32 (size,), or histograms (n, d), of whose descriptors the columns
    are.
    mirror, sign: (columns of a mirrored face) == sign * (columns of the face)[mirror].
    """

    maps: Callable[[np.ndarray], np.ndarray]
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray]
    mirror: np.ndarray
    sign: np.ndarray


def grid(cell: float, cells: int, step: int) -> Block:
    """Block of descriptors every ``step`` pixels, of cells x cells cells that are ``cell`` pixels wide."""
    mirror = hog.grid_mirror(ALIGNED_SIDE // step - 1, cells)

    def compute(maps: np.ndarray, _: np.ndarray) -> np.ndarray:
        return hog.grid_histograms(maps, cell, cells, step)

    return _descriptors(hog.orientation_maps, compute, mirror)


def patches(cell: float, cells: int) -> Block:
    """Block of descriptors around the inner landmarks, of cells x cells cells that are ``cell`` pixels wide.

    Raises InputError for cells that are too small for the half size at which they are sampled.
    """
    if cell < hog.SMALLEST_CELL:
        raise InputError("patches", f"cells of at least {hog.SMALLEST_CELL} pixels", str(cell))

    def compute(maps: np.ndarray, points: np.ndarray) -> np.ndarray:
        return hog.histograms(maps, points[INNER], cell, cells)

    return _descriptors(hog.orientation_maps, compute, hog.landmark_mirror(cells))


def local_patterns(radius: int, cell: float, step: int) -> Block:
    """Block of local binary patterns every ``step`` pixels. radius: in pixels; cell: as of ``grid``.

    Raises InputError unless cell and step are multiples of the tiles in which pixels are counted.
    """
    if radius < 1 or cell < lbp.TILE or cell % lbp.TILE or step < lbp.TILE or step % lbp.TILE:
        wanted = f"a radius of at least 1 pixel, a cell and a step that are multiples of {lbp.TILE}"
        raise InputError("lbp", wanted, f"{radius}, {cell}, {step}")

    def compute(face: np.ndarray, _: np.ndarray) -> np.ndarray:
        return lbp.describe_grid(face, radius, cell, step).ravel()

    return _descriptors(_face, compute, lbp.grid_mirror(ALIGNED_SIDE // step - 1))


def landmark_geometry() -> Block:
    """Block of landmark geometry, in units of the interocular distance, rounded to 1/256."""

    def compute(_: np.ndarray, points: np.ndarray) -> np.ndarray:
        values = np.minimum(np.maximum(geometry.geometry(points[None])[0], -7.9), 7.9)
        return np.rint(values / _GEOMETRY_STEP) * _GEOMETRY_STEP

    return Block(_face, compute, geometry.MIRROR_INDEX, geometry.MIRROR_SIGN)


BLOCKS: dict[str, Callable[..., Block]] = {
    "grid": grid,
    "patches": patches,
    "lbp": local_patterns,
    "geometry": landmark_geometry,
}


GRIDS = ("grid", "lbp")  # blocks of descriptors on a grid; their last setting is its spacing


def blocks_of(recipe: Recipe) -> list[Block]:
    """The blocks of a recipe: of each its kind, and settings of 0 to ALIGNED_SIDE. Raises InputError for others."""
    if recipe.get("landmarks", "mesh") != "mesh":  # of older recipes
        raise InputError("feature recipe", "landmarks of the mesh", repr(recipe["landmarks"])[:80])
    listed, blocks = recipe.get("blocks"), list[Block]()
    if not isinstance(listed, list | tuple) or not listed:
        raise InputError("feature recipe", "'blocks', a list of them", repr(listed)[:80])
    for entry in listed:
        kind, *settings = entry if isinstance(entry, list | tuple) and entry else [entry]
        if not isinstance(kind, str) or kind not in BLOCKS:
            raise InputError("feature recipe", f"blocks {', '.join(BLOCKS)}", repr(kind)[:80])
        numbers = all(type(each) in (int, float) and 0 <= each <= ALIGNED_SIDE for each in settings)
        try:
            if not numbers:
                raise TypeError
            blocks.append(BLOCKS[kind](*settings))
        except (TypeError, ValueError, ArithmeticError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError("feature recipe", f"settings of a block {kind}", repr(settings)[:80]) from error
    return blocks


def mirror_of(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Index int64 (d,) and sign float32 (d,), such that a mirrored face has the features sign * features[:, index]."""
    indices, signs, start = [], [], 0
    for block in blocks_of(recipe):
        indices.append(block.mirror + start)
        signs.append(block.sign)
        start += len(block.mirror)
    return np.concatenate(indices), np.concatenate(signs)


def column_ranges(recipe: Recipe) -> list[tuple[int, int]]:
    """Start (inclusive) and stop (exclusive) column of each block."""
    stops = np.cumsum([len(block.mirror) for block in blocks_of(recipe)]).tolist()
    return list(zip([0, *stops[:-1]], stops, strict=True))


def describer(recipe: Recipe) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function from aligned faces uint8 (n, 64, 64) and their landmarks (n, 68, 2) to features float32 (n, d)."""
    blocks = blocks_of(recipe)
    size = sum(len(block.mirror) for block in blocks)
    kinds = {block.maps for block in blocks}

    def describe(faces: np.ndarray, points: np.ndarray) -> np.ndarray:
        features = np.empty((len(faces), size), dtype=np.float32)
        for row, face, landmarks in zip(features, faces, points, strict=True):
            maps = {kind: kind(face) for kind in kinds}
            computed = [block.compute(maps[block.maps], landmarks) for block in blocks]
            np.concatenate(list(_columns(computed)), out=row, casting="unsafe")
        return features

    return describe


def _columns(computed: list[np.ndarray]) -> Iterator[np.ndarray]:
    """The columns of computed blocks; neighbours whose histograms have the same size become descriptors together."""
    for size, blocks in groupby(computed, key=lambda block: block.shape[1:]):
        values = np.concatenate(list(blocks))
        yield hog.quantise(hog.normalise(values)).ravel() if size else values


def extract(crops: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Features of crops: uint8 (n, 48, 48) -> float32 (n, d)."""
    return describer(recipe)(*align(crops, find_landmarks(crops)))


def extract_cached(crops: np.ndarray, recipe: Recipe, folder: Path, jobs: int = -1) -> np.ndarray:
    """Features of many crops, float16 (n, d), memory-mapped from the cache; extracted in parallel if absent.

    folder: of the cache. Its key is a hash of the crops, the recipe and the files that determine the features.
    """
    check_crops(crops)
    file = folder / f"features-{_key(crops, recipe)}.npy"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(f".{os.getpid()}.npy")
        np.save(scratch, _extract_parallel(crops, recipe, jobs))
        scratch.rename(file)
    return np.load(file, mmap_mode="r")


def _extract_parallel(crops: np.ndarray, recipe: Recipe, jobs: int) -> np.ndarray:
    from joblib import Parallel, delayed

    parts = np.array_split(crops, max(1, len(crops) // _PART))
    tasks = Parallel(n_jobs=jobs, return_as="generator")(delayed(_extract_part)(part, recipe) for part in parts)
    extracted = []
    with bar("features", len(parts)) as step:
        for features in tasks:
            extracted.append(features)
            step()
    return np.concatenate(extracted)


def _extract_part(crops: np.ndarray, recipe: Recipe) -> np.ndarray:
    limit_threads(1)  # the processes are parallel already
    return extract(np.asarray(crops), recipe).astype(np.float16)


def _face(face: np.ndarray) -> np.ndarray:
    """The maps of blocks that need none."""
    return face


def _descriptors(
    maps: Callable[[np.ndarray], np.ndarray],
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray],
    mirror: np.ndarray,
) -> Block:
    """A block of descriptors, which mirroring permutes without a change of sign."""
    return Block(maps, compute, mirror, np.ones(len(mirror), np.float32))


@cache
def _code() -> bytes:
    """Hash of the files that determine the features; computed once, so that it is constant during a run."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.digest()


def _key(crops: np.ndarray, recipe: Recipe) -> str:
    digest = hashlib.sha256(crops.tobytes())
    digest.update(json.dumps(recipe, sort_keys=True).encode())
    digest.update(_code())
    digest.update(predictor_file().read_bytes())
    return digest.hexdigest()[:16]
