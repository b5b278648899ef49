"""A training from a recipe to an artifact: the track fits and exports, ``finish`` calibrates, scores and writes.

facial-emotion train lightgbm --data fer2013.csv.xz
"""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from facial_emotion import registry
from facial_emotion.artifact import OUTPUTS
from facial_emotion.errors import InputError
from facial_emotion.evaluation.results import installed_versions
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Card
from facial_emotion.training.finish import finish
from facial_emotion.training.recipe import read

if TYPE_CHECKING:
    from distributed import Client

    from facial_emotion.data.fer2013 import Fer2013

# What a track's module has: PACKAGE, of its models; Recipe and RECIPES, the folder of their JSON files; LIBRARIES, for
# cards; ``fit``, a job -> the exported model; and for the search of hyperparameters ``space`` and ``trials``.
TRACKS = {"classical": "facial_emotion.classical.train", "deep": "facial_emotion.deep.train"}


@dataclass(frozen=True)
class Job:
    """A training to be done. recipe: of the model's track, as ``recipe_of`` reads it.

    command: as it was given, for the card; labels: of the one head that becomes a recognizer, where it is not all.
    Classical models: threads, and client of a Dask cluster to extract features and boost trees on. Networks: weights,
    the file of initial weights, if any; checkpoints, the folder that has them, and whether to resume from there;
    keep_weights, whether the artifact has the trained weights too.
    """

    model: str
    recipe: Any
    data: Fer2013
    seed: int = 0
    command: str = ""
    labels: str | None = None
    threads: int = 2
    client: Client | None = None
    weights: Path | None = None
    checkpoints: Path = Path()
    resume: bool = False
    keep_weights: bool = False

    @cached_property
    def track(self) -> ModuleType:
        """The module of the model's track."""
        return track_of(self.model)

    @cached_property
    def module(self) -> ModuleType:
        """The model's own module. Raises InputError where it lacks something."""
        return registry.module(self.track.PACKAGE, self.model)


def track_of(model: str) -> ModuleType:
    """The module of a model's track. Raises InputError for a name that no track has."""
    tracks = [importlib.import_module(name) for name in TRACKS.values()]
    listed = {name: track for track in tracks for name in registry.names(track.PACKAGE)}
    if model not in listed:
        raise InputError("model", f"one of {', '.join(listed)}", repr(model))
    return listed[model]


def recipe_of(model: str, path: Path | None = None) -> Any:
    """A recipe of a model: its own in its track's recipes/, with what a file states otherwise. Raises InputError."""
    own = own_recipe(model)
    return read(track_of(model).Recipe, path or own, own if own.exists() else None)


def own_recipe(model: str) -> Path:
    """The file of a model's own recipe."""
    place: Path = track_of(model).RECIPES / f"{model}.json"
    return place


def run(job: Job, out: Path) -> list[Card]:
    """Train, export, calibrate, score, and write the artifact to a folder; returns the cards of its heads.

    The first head's card and the files are written to ``out``; a further head's card to a folder beside it.
    """
    job.recipe.check(job.model)
    heads, possible = list(job.recipe.heads), getattr(job.module, "HEADS", tuple(OUTPUTS))
    if not set(heads) <= set(possible):
        raise InputError(job.model, f"a recipe with the heads {', '.join(possible)}", ", ".join(heads))
    if job.labels and job.labels not in heads:
        raise InputError("--labels", f"those of a head of the recipe: {', '.join(heads)}", job.labels)
    exported = job.track.fit(job)
    training = {
        "command": job.command,
        "model": job.model,
        "recipe": asdict(job.recipe),
        "seed": job.seed,
        "data_hash": job.data.hash,
        **job.data.remarks,
        "versions": installed_versions(job.track.LIBRARIES),
        **exported.training,
    }
    card = Card(
        name=job.model, emotions=list(EMOTIONS), training=training, threshold=0.0, metrics={}, files={}, **exported.card
    )
    return finish(exported, card, job.data, out, job.labels)
