"""Damaged pictures: each is either recognised or reported."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from PIL import Image

from facial_emotion import examples
from facial_emotion.batch.rows import Options
from facial_emotion.batch.score import score_chunk
from facial_emotion.batch.sources import Source

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")


def damaged(seed: int) -> bytes:
    """An encoded face that is damaged by the seed: bytes flipped, truncated, or with the header of another format."""
    rng = random.Random(seed)
    encoded = []
    for form in rng.sample(FORMATS, 2):
        stream = io.BytesIO()
        Image.fromarray(examples.portrait()[40:240, 120:320]).save(stream, form)
        encoded.append(bytearray(stream.getvalue()))
    content, other = encoded
    damage = seed % 3
    if damage == 0:
        for _ in range(rng.randint(1, 30)):
            content[rng.randrange(min(len(content), rng.choice([64, 2000, 1 << 30])))] ^= rng.randint(1, 255)
    elif damage == 1:
        del content[rng.randrange(len(content)) :]
    else:
        cut = rng.randrange(1, 200)
        content = other[:cut] + content[cut:]
    return bytes(content)


@pytest.mark.parametrize("hundred", range(5))
def test_each_is_recognised_or_reported(hundred: int, tmp_path: Path) -> None:
    scored = 0
    for seed in range(100 * hundred, 100 * hundred + 100):
        path = tmp_path / f"{seed}.jpg"
        path.write_bytes(damaged(seed))
        (outcome,) = score_chunk([Source(str(path))], Options("lightgbm"))
        assert outcome.reason is None or outcome.reason.startswith(f"{path}: expected ")
        scored += outcome.reason is None
    assert 0 < scored < 100
