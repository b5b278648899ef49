"""HOG and local binary patterns beside those of scikit-image, where both mean the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import hog as reference_hog
from skimage.feature import local_binary_pattern

from facial_emotion.features import hog, lbp

SIDE = 32
_AXES = 0b01010101  # of a code: the neighbours along x and y, whose places need no interpolation


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(0, 4))
def test_patterns_are_those_of_scikit_image(seed: int, radius: int, smooth: int) -> None:
    face = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE)).astype(np.uint8) >> smooth
    labels = lbp.patterns(face, radius)
    codes = {int(label): code for code, label in enumerate(lbp._labels()) if label < lbp.PATTERNS - 1}
    inside = slice(radius, -radius)  # outside of a picture scikit-image sees black
    reference = local_binary_pattern(face, P=4, R=radius)[inside, inside].astype(int)
    ours = np.vectorize(lambda each: codes.get(int(each), -1))(labels[inside, inside])
    uniform = ours >= 0  # the others have one label together
    spread = sum(((reference >> bit) & 1) << (2 * bit) for bit in range(4))
    assert uniform.any()
    assert (ours[uniform] & _AXES == spread[uniform]).all()


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 2 * np.pi), st.floats(0.5, 3.0))
def test_a_slope_has_the_orientation_that_scikit_image_sees(angle: float, steepness: float) -> None:
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    plane = 128 + steepness * ((x - SIDE / 2) * np.cos(angle) + (y - SIDE / 2) * np.sin(angle))
    maps = hog.orientation_maps(np.rint(plane.clip(0, 255)).astype(np.uint8))[4:-4, 4:-4].sum(axis=(0, 1))
    along = np.arange(hog.ORIENTATIONS) * 2 * np.pi / hog.ORIENTATIONS
    seen = np.angle((maps * np.exp(2j * along)).sum()) / 2 % np.pi  # as scikit-image: of a line, not of a direction
    bins = 180
    cells = reference_hog(plane, orientations=bins, pixels_per_cell=(24, 24), cells_per_block=(1, 1))
    reference = (np.argmax(cells[:bins]) + 0.5) * np.pi / bins
    away = abs((seen - reference + np.pi / 2) % np.pi - np.pi / 2)
    assert away == pytest.approx(0, abs=np.radians(15))  # grey levels are whole numbers
