"""Damaged pictures: each is scored or listed, none takes long."""

from __future__ import annotations

import io
import random
import time
from pathlib import Path

import pytest
from PIL import Image

from facial_emotion import examples
from facial_emotion.batch.score import Options, outcomes
from facial_emotion.batch.sources import Source

KINDS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")


def damaged(seed: int) -> bytes:
    """An encoded face with bytes flipped, cut off, or mixed with another kind's, by the seed."""
    chance = random.Random(seed)
    whole = []
    for kind in chance.sample(KINDS, 2):
        stream = io.BytesIO()
        Image.fromarray(examples.portrait()[40:240, 120:320]).save(stream, kind)
        whole.append(bytearray(stream.getvalue()))
    content, other = whole
    how = seed % 3
    if how == 0:
        for _ in range(chance.randint(1, 30)):
            content[chance.randrange(min(len(content), chance.choice([64, 2000, 1 << 30])))] ^= chance.randint(1, 255)
    elif how == 1:
        del content[chance.randrange(len(content)) :]
    else:
        cut = chance.randrange(1, 200)
        content = other[:cut] + content[cut:]
    return bytes(content)


@pytest.mark.parametrize("hundred", range(5))
def test_each_is_scored_or_listed(hundred: int, tmp_path: Path) -> None:
    scored = 0
    for seed in range(100 * hundred, 100 * hundred + 100):
        path = tmp_path / f"{seed}.jpg"
        path.write_bytes(damaged(seed))
        began = time.monotonic()
        (found,) = outcomes([Source(str(path))], Options("lightgbm"))
        assert time.monotonic() - began < 5
        assert found.reason is None or found.reason.startswith(f"{path}: expected ")
        scored += found.reason is None
    assert 0 < scored < 100
