"""Checkpoints: the whole state of a training in one file, which a write replaces completely or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion.deep.recipe import Recipe
from facial_emotion.errors import InputError, OutputError
from facial_emotion.paths import replacing
from facial_emotion.records import Json, to_json

if TYPE_CHECKING:
    import keras

History = list[dict[str, float]]  # the figures of each epoch
Arrays = dict[str, list[np.ndarray]]  # "model", "optimiser" and "ema": the values of their variables


@dataclass(frozen=True)
class Identity:
    """What identifies a training: a checkpoint is only resumed under the same identity.

    weights: the initial weights, as ``train.initial_weights`` describes them.
    """

    network: str
    recipe: Recipe
    data_hash: str
    seed: int
    weights: Json | None = None

    def to_dict(self) -> Json:
        """The identity in the types of JSON."""
        return {**vars(self), "recipe": to_json(self.recipe)}


@dataclass
class Progress:
    """How far a training is: the next epoch and step, sums over the steps of the current epoch, figures of the past.

    device: what it was begun on.
    """

    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    history: History = field(default_factory=list)
    device: str = ""

    def add(self, figures: dict[str, float]) -> None:
        """Add the figures of one step to the sums."""
        for key, value in figures.items():
            self.sums[key] = self.sums.get(key, 0.0) + value

    def means(self) -> dict[str, float]:
        """Loss and accuracy over the steps of the current epoch."""
        return {key: self.sums[key] / self.sums["steps"] for key in ("loss", "accuracy")}


def values(variables: list[keras.Variable]) -> list[np.ndarray]:
    """Copies of the values of Keras variables."""
    from keras import ops

    return [np.array(ops.convert_to_numpy(variable.value)) for variable in variables]


def assign(variables: list[keras.Variable], arrays: list[np.ndarray]) -> None:
    """Assign values to Keras variables."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def restore(variables: list[keras.Variable], arrays: list[np.ndarray], path: Path) -> None:
    """Assign values from a checkpoint. Raises InputError, which names its path, where the shapes do not match."""
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in arrays]:
        raise InputError(path, f"{len(variables)} arrays of this network's shapes", f"{len(arrays)} of another")
    assign(variables, arrays)


def save(path: Path, groups: Arrays, progress: Progress, identity: Identity) -> None:
    """Write a checkpoint. Where that fails, the previous one stays, and OutputError is raised."""
    arrays = {f"{name}/{index:04}": array for name, group in groups.items() for index, array in enumerate(group)}
    about = json.dumps({"progress": asdict(progress), "identity": identity.to_dict()})
    arrays["about"] = np.frombuffer(about.encode(), dtype=np.uint8)
    write_npz(path, arrays, "the checkpoint before is whole: make room and go on with --resume")


def write_npz(path: Path, arrays: dict[str, np.ndarray], advice: str) -> None:
    """Write arrays by name. Where that fails, the previous file stays, and OutputError gives the advice."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as scratch, scratch.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutputError(path, "room for a checkpoint", error.strerror or str(error), advice) from error


def load(path: Path, identity: Identity) -> tuple[Arrays, Progress]:
    """Read a checkpoint. Raises InputError where it is missing, damaged, or of another training."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            groups: Arrays = {}
            for key in sorted(set(stored.files) - {"about"}):
                groups.setdefault(key.split("/")[0], []).append(stored[key])
    except Exception as error:  # zipfile, numpy and json each raise their own
        raise InputError(path, "a whole checkpoint", f"{type(error).__name__}: {error}", "start anew") from error
    expected = json.loads(json.dumps(identity.to_dict()))
    try:
        different = [key for key in expected if about["identity"].get(key) != expected[key]]
        progress = Progress(**about["progress"])
    except (TypeError, LookupError, AttributeError) as error:
        raise InputError(path, "a whole checkpoint", f"{type(error).__name__}: {error}", "start anew") from error
    if different:
        advice = "give the recipe, data, weights and seed that it was started with, or begin anew with --restart"
        raise InputError(path, "a checkpoint of this training", f"another {' and '.join(different)}", advice)
    return groups, progress
