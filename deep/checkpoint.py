"""A training's whole state in one file that is either the old one or the new one, never half of either."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.errors import InputError, OutputError

if TYPE_CHECKING:
    import keras

Identity = dict[str, Any]  # what a training is: its network, recipe, data hash, seed, the weights it began from


@dataclass
class Progress:
    """Where a training stands: the next epoch and step in it, and the figures of the epochs that are done."""

    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)  # of the steps done in a begun epoch
    history: list[dict[str, float]] = field(default_factory=list)


def arrays_of(variables: list[keras.Variable]) -> list[np.ndarray]:
    """The values of Keras variables, copied."""
    from keras import ops

    return [np.array(ops.convert_to_numpy(variable.value)) for variable in variables]


def assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    """Put values into Keras variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def save(path: Path, groups: dict[str, list[np.ndarray]], progress: Progress, identity: Identity) -> None:
    """Write a checkpoint; where that fails, the one before stays whole. groups: arrays by what they belong to."""
    arrays = {f"{name}/{index:04}": array for name, group in groups.items() for index, array in enumerate(group)}
    about = json.dumps({"progress": vars(progress), "identity": identity})
    arrays["about"] = np.frombuffer(about.encode(), dtype=np.uint8)
    write(path, arrays, "the checkpoint before is whole: make room and go on with --resume")


def write(path: Path, arrays: dict[str, np.ndarray], advice: str) -> None:
    """Write arrays by name; where that fails, what was there stays whole, and OutputError gives the advice."""
    scratch = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise OutputError(path, "room for a checkpoint", error.strerror or str(error), advice) from error


def load(path: Path, identity: Identity) -> tuple[dict[str, list[np.ndarray]], Progress]:
    """Read a checkpoint back. Raises InputError where it is missing, damaged, or of another training."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            groups: dict[str, list[np.ndarray]] = {}
            for key in sorted(set(stored.files) - {"about"}):
                groups.setdefault(key.split("/")[0], []).append(stored[key])
    except FileNotFoundError as error:
        raise InputError(path, "a checkpoint", "nothing there", "start without --resume") from error
    except Exception as error:  # zipfile, numpy and json each raise their own
        raise InputError(path, "a whole checkpoint", f"{type(error).__name__}: {error}", "start anew") from error
    different = [key for key in identity if about["identity"].get(key) != json.loads(json.dumps(identity[key]))]
    if different:
        advice = "go on with the recipe, data, weights and seed that it was begun with, or start without --resume"
        raise InputError(path, "a checkpoint of this training", f"another {' and '.join(different)}", advice)
    return groups, Progress(**about["progress"])
