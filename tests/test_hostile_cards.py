"""Cards, arrays and results that somebody changed: each is loaded or refused in one line."""

from __future__ import annotations

import io
import json
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facial_emotion import paths, recognizers
from facial_emotion.data import fer2013
from facial_emotion.errors import Error, InputError
from facial_emotion.evaluation import results
from facial_emotion.explain import geometry
from tests.test_damaged import damaged

MODELS = ("lightgbm", "cnn", "cnn-ferplus", "cnn-balanced")
VALUES: tuple[Any, ...] = (
    *(None, "", "x", -1, 2.5, 1e308, float("nan"), [], {}, [1], {"a": 1}, "a\0b", "../x", True, 10**30, "\ud800"),
    *({"blocks": None}, {"blocks": [{}]}, {"blocks": ["geometry", ["grid"], ["grid", 1e308, 0, {}]]}),
)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in JSON."""
    if place:
        yield place
    for key in value if isinstance(value, dict) else range(min(3, len(value))) if isinstance(value, list) else ():
        yield from places(value[key], (*place, key))


def changed(content: Any, rng: random.Random) -> Any:
    """JSON of which one value is left out, or another one."""
    top = rng.choice(list(content))
    *way, last = rng.choice([place for place in places(content) if place[0] == top])
    parent = content
    for key in way:
        parent = parent[key]
    if rng.random() < 0.3:
        del parent[last]
    else:
        parent[last] = rng.choice(VALUES)
    return content


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for name in MODELS:
        shutil.copytree(paths.SHIPPED / name, root / name)
    return root


@pytest.mark.attack("400 cards with a value left out or another", "loaded, or refused in one line")
def test_a_changed_card_is_loaded_or_refused(models: Path) -> None:
    crops, refused = np.zeros((2, 48, 48), np.uint8), 0
    for seed in range(400):
        rng = random.Random(seed)
        name = rng.choice(MODELS)
        path = models / name / "card.json"
        whole = path.read_text()
        path.write_text(json.dumps(changed(json.loads(whole), rng)))
        start = time.monotonic()
        try:
            recognizer = recognizers.load(name, 1, models)
            assert recognizer.predict_proba(crops).shape == (2, 7)
            assert 0 <= recognizer.threshold <= 1
            recognizers.fingerprint(name, models)
            recognizers.with_labels(name, "people", models)
        except Error as error:
            refused += 1
            assert "\n" not in str(error)  # noqa: PT017 - the other half is loaded
        finally:
            path.write_text(whole)
        assert time.monotonic() - start < 10
    assert 100 < refused < 400


@pytest.mark.attack("200 benchmarks with a value left out or another", "read, or refused in one line")
def test_changed_results_are_read_or_refused(tmp_path: Path) -> None:
    content = (paths.RESULTS / results.FILE).read_text()
    refused = 0
    for seed in range(200):
        (tmp_path / results.FILE).write_text(json.dumps(changed(json.loads(content), random.Random(seed))))
        try:
            rows, _ = results.read(tmp_path)
            assert results.to_csv(rows).count("\n") == len(rows) + 1
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)  # noqa: PT017 - the others are read
    assert 20 < refused < 200


@pytest.mark.attack("300 damaged files of arrays", "made anew, or refused in one line")
def test_damaged_arrays_are_made_anew_or_refused(small_csv: Path, cache: Path, models: Path) -> None:
    expected = fer2013.load(small_csv)
    (folder,) = cache.glob("fer2013-*")
    arrays = {path: path.read_bytes() for path in sorted(folder.glob("*.npy"))}
    pickled = io.BytesIO()
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
    others = [pickled.getvalue(), b"PK\3\4" + bytes(99), *arrays.values()]
    for seed in range(200):
        rng = random.Random(seed)
        path = rng.choice(list(arrays))
        head = bytearray(arrays[path])
        head[rng.randrange(128)] = rng.randrange(256)
        path.unlink()
        path.write_bytes(rng.choice([damaged(arrays[path], rng.choice(others), rng), bytes(head), pickled.getvalue()]))
        read = fer2013.load(small_csv)
        assert read.crops.shape == expected.crops.shape
        assert set(np.unique(read.labels)) <= set(range(7))
        for each, content in arrays.items():
            each.unlink(missing_ok=True)
            each.write_bytes(content)
    typical = models / "lightgbm" / "typical.npy"
    whole, recognizer = typical.read_bytes(), recognizers.load("lightgbm", 1, models)
    for seed in range(100):
        content = damaged(whole, pickled.getvalue(), random.Random(seed))
        typical.write_bytes(content)
        if content != whole:
            with pytest.raises(InputError, match=r"typical\.npy: expected SHA-256"):
                geometry(recognizer, np.zeros((48, 48), np.uint8), "happy")
    typical.write_bytes(whole)
