"""Train a network on Training, choose its epoch on PublicTest, export it to ONNX and write it to artifacts/.

facial-emotion train cnn --data fer2013.csv.xz
"""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion.data import fer2013
from facial_emotion.deep import NETWORKS, backend
from facial_emotion.deep.loop import Rows
from facial_emotion.deep.recipe import SIDE
from facial_emotion.features.emotions import EMOTIONS

if TYPE_CHECKING:
    import keras

LICENCES = {
    "cnn": "MIT for the model. Trained on FER2013, which was made for research.",
    "vgg16": (
        "MIT for the model. Begun from the ImageNet weights of VGG-16 (Oxford VGG, CC BY 4.0), whose pictures were "
        "gathered for research. Trained on FER2013, which was made for research."
    ),
}
WEIGHTS = "weights.npz"
_LIBRARIES = (
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "numpy",
    "opencv-python-headless",
    "tf2onnx",
    "onnx",
    "onnxruntime",
)


def network(name: str) -> ModuleType:
    """The module of a network: build() makes it, begin() gives it initial weights."""
    return importlib.import_module(f"facial_emotion.deep.{NETWORKS[name]}")


def rows_of(data: fer2013.Fer2013, split: str, labels: str = "fer") -> Rows:
    """A split with its targets: FER2013's labels, FER+'s shares of votes, or the mean of the two.

    Rows on which nobody voted for one of the seven are left out of "fer+" and keep their label in "both".
    """
    part = data.split(split)
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[part.labels]
    if labels == "fer":
        return Rows(part.crops, targets, part.labels)
    votes = data.soft_labels()[part.rows]
    voted = votes.sum(axis=1) > 0
    if labels == "fer+":
        return Rows(part.crops[voted], votes[voted], part.labels[voted])
    targets[voted] = (targets[voted] + votes[voted]) / 2
    return Rows(part.crops, targets, part.labels)


def begun(weights: Path | None) -> dict[str, Any] | None:
    """What a training begins from: a file of weights by its SHA-256, and its training if a card beside tells."""
    from facial_emotion import artifact

    if weights is None or not weights.is_file():  # begin() says what it misses
        return None
    found: dict[str, Any] = {"file": weights.name, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    if (weights.parent / artifact.CARD).is_file():
        card = artifact.read_card(weights.parent)
        if card["files"].get(weights.name, {}).get("sha256") == found["sha256"]:
            found["training"] = card["training"]
    return found


def train(
    name: str,
    data: fer2013.Fer2013,
    recipe: dict[str, Any],
    folder: Path,
    seed: int = 0,
    resume: bool = False,
    weights: Path | None = None,
) -> tuple[keras.Model, list[dict[str, float]]]:
    """A network with the averaged weights of its best epoch, and the figures of every epoch.

    Checkpoints, a log and curves go to ``folder``; ``resume`` goes on from them, under the same ``weights``, which
    say where the training began.
    """
    backend.start(recipe["precision"])
    import keras

    from facial_emotion.deep import log, loop, teacher

    keras.utils.set_random_seed(seed)
    model = network(name).build(recipe["network"])
    if not resume:
        network(name).begin(model, weights)

    def report(history: log.History) -> None:
        log.write(history, folder)
        print(log.line(history), flush=True)

    identity = {"network": name, "recipe": recipe, "data_hash": data.hash, "seed": seed, "weights": begun(weights)}
    training, held_out = rows_of(data, "Training", recipe["labels"]), rows_of(data, "PublicTest")
    if "teacher" in recipe:
        if not resume:
            teacher.ask(recipe["teacher"]["model"], training.crops, folder)
        said, _ = teacher.kept(folder)
        training = replace(training, targets=teacher.blend(training.targets, said, recipe["teacher"]["share"]))
    return model, loop.fit(model, recipe, training, held_out, folder, identity, resume, report)


def deliver(
    name: str,
    model: keras.Model,
    history: list[dict[str, float]],
    data: fer2013.Fer2013,
    recipe: dict[str, Any],
    out: Path,
    seed: int,
    command: str,
    weights: Path | None = None,
    keep_weights: bool = False,
    taught: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Export a trained network, check it, make it small, calibrate it, score it, and write the artifact. Its card.

    seed, command, weights and taught (what teacher.kept tells of the teacher) only say how it was trained.
    """
    from facial_emotion import artifact
    from facial_emotion.data.duplicates import near_duplicates
    from facial_emotion.deep import export, forms
    from facial_emotion.evaluation import abstention
    from facial_emotion.evaluation.scores import scores

    training, held_out = data.split("Training"), data.split("PublicTest")
    plain = backend.in_single_precision(model, network(name).build, recipe["network"])
    exact = export.to_onnx(plain)
    some = np.random.default_rng(seed).permutation(len(training))[: export.CHECKED]
    agreement = export.check(plain, exact, training.crops[some], training.labels[some])
    form, small, tried = forms.smallest(exact, training.crops[some], held_out.crops, held_out.labels)
    whole = export.calibrate(small, held_out.crops, held_out.labels)
    threshold = abstention.choose(export.answers(whole, held_out.crops), held_out.labels)
    metrics = {}
    for split in ("PublicTest", "PrivateTest"):
        part = data.split(split)
        twice = near_duplicates(part.crops, training.crops)
        metrics[split] = scores(export.answers(whole, part.crops), part.labels, twice, threshold)
    best = max((figures for figures in history if figures["side"] == SIDE), key=lambda one: one["held_out_accuracy"])
    card = {
        "track": "deep",
        "input": "crops uint8 (n, 48, 48)",
        "training": {
            "command": command,
            "model": name,
            "begun": begun(weights),
            "teacher": taught,
            "recipe": recipe,
            "epoch": best["epoch"],
            "parameters": model.count_params(),
            "seed": seed,
            "data_hash": data.hash,
            "minutes": round(sum(figures["minutes"] for figures in history), 1),
            "versions": _versions(),
            "history": [{key: round(value, 4) for key, value in figures.items()} for figures in history],
        },
        "calibration": "vector scaling, fitted on PublicTest: figures on PublicTest are of the rows it was fitted on",
        "parity": agreement,
        "form": form,
        "forms": tried,
        "threshold": threshold,
        "metrics": metrics,
        "licence": LICENCES[name],
    }
    artifact.write(out, whole, card, {WEIGHTS: backend.packed(model)} if keep_weights else None)
    return card


def _versions() -> dict[str, str]:
    installed = {distribution.metadata["Name"] for distribution in metadata.distributions()}
    return {library: metadata.version(library) for library in _LIBRARIES if library in installed}


def run(
    name: str,
    data: fer2013.Fer2013,
    recipe: dict[str, Any],
    checkpoints: Path,
    out: Path,
    seed: int,
    resume: bool,
    weights: Path | None,
    keep_weights: bool,
    command: str,
) -> dict[str, Any]:
    """Train a network and write its artifact; its card."""
    from facial_emotion.deep import teacher

    model, history = train(name, data, recipe, checkpoints, seed, resume, weights)
    taught = teacher.kept(checkpoints)[1] if "teacher" in recipe else None
    return deliver(name, model, history, data, recipe, out, seed, command, weights, keep_weights, taught)
