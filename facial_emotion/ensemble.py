"""Make a recognizer out of recognizers: choose on PublicTest how much each member counts.

    facial-emotion train ensemble --data fer2013.csv.xz

The answer is softmax(sum of weight x log-probabilities), with the weights, none below 0, that give PublicTest the least
log-loss. Together they are a temperature too. Members that hardly count are left out. Written is a card that names
the members; their models stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from facial_emotion import recognizers
from facial_emotion.artifact import MODEL
from facial_emotion.errors import InputError
from facial_emotion.evaluation.evaluate import SPLITS, evaluate, targets
from facial_emotion.evaluation.results import installed_versions
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Card, Member
from facial_emotion.terminal import bar

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013
    from facial_emotion.recognizers import Recognizer, Step

NEGLIGIBLE = 0.03  # share of the weights below which a member is left out
MemberView = tuple[str, bool]  # the name of a recognizer, and whether it sees crops mirrored


class _Asked(NamedTuple):
    """Crops, the sum (n, 7) of the members asked so far, and results by the view and the steps that gave them."""

    crops: np.ndarray
    total: np.ndarray
    known: dict[tuple[object, ...], Any]


def fit_weights(logs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights (m,), none below 0, of log-probabilities (m, n, 7) that give targets the least log-loss.

    targets: distributions (n, 7) over the emotions, each times the weight of its row.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax, softmax

    row_weights = targets.sum(axis=1, keepdims=True)
    total = row_weights.sum()

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        pooled = np.tensordot(weights, logs, 1)
        surplus = softmax(pooled, axis=1) * row_weights - targets
        return -(log_softmax(pooled, axis=1) * targets).sum() / total, (logs * surplus).sum(axis=(1, 2)) / total

    start = np.full(len(logs), 1 / len(logs))
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(logs)).x


def choose(logs: dict[MemberView, np.ndarray], targets: np.ndarray) -> dict[MemberView, float]:
    """The members that count, and their weights. Both views of a mirrored member weigh the same."""
    views = {name: [logs[view] for view in logs if view[0] == name] for name, _ in logs}
    means = {name: np.mean(of_one, axis=0) for name, of_one in views.items()}
    while True:
        weights = dict(zip(means, fit_weights(np.stack(list(means.values())), targets), strict=True))
        least = min(weights, key=lambda name: weights[name])
        if len(weights) == 1 or weights[least] >= NEGLIGIBLE * sum(weights.values()):
            return {view: weights[view[0]] / len(views[view[0]]) for view in logs if view[0] in weights}
        del means[least]


def make(names: list[str], mirrored: bool, data: Fer2013, command: str, labels: str = "fer2013") -> Card:
    """The card of an ensemble: its members, their weights by some labels (as of a card), and its scores."""
    from scipy.special import softmax

    splits = {name: data.split(name) for name in SPLITS}
    views = [(name, turned) for name in names for turned in ((False, True) if mirrored else (False,))]
    logs: dict[str, dict[MemberView, np.ndarray]] = {split: {} for split in splits}
    with bar("members", len(views)) as step:
        for name, turned in views:
            recognizer = recognizers.load(name)
            for split, part in splits.items():
                crops = np.ascontiguousarray(part.crops[:, :, ::-1]) if turned else part.crops
                logs[split][name, turned] = recognizers.log_of(recognizer.predict_proba(crops))
            step(f"{name}{' mirrored' * turned}")
    weights = choose(logs["PublicTest"], targets(data, "PublicTest", labels))

    def pooled(split: str) -> np.ndarray:
        return softmax(sum(weight * logs[split][view] for view, weight in weights.items()), axis=1)

    evaluation = evaluate(data, pooled, labels)
    versions = installed_versions(("numpy", "scipy", "onnxruntime"))
    cards = {name: recognizers.card(name) for name, _ in weights}
    return Card(
        name="ensemble",
        track="ensemble",
        input="crops uint8 (n, 48, 48)",
        emotions=list(EMOTIONS),
        labels=labels,
        members=[
            Member(name, turned, weight, cards[name].files[MODEL].sha256, cards[name].files[MODEL].size)
            for (name, turned), weight in weights.items()
        ],
        left_out=[name for name in names if name not in cards],
        training={"command": command, "seed": None, "data_hash": data.hash, "versions": versions, **data.remarks},
        calibration="the members' weights, fitted on PublicTest",
        licence=" ".join(f"{name}: {card.licence}" for name, card in cards.items()),
        files={},
        **vars(evaluation),
    )


def steps(card: Card, model: bytes, threads: int, root: Path, providers: Sequence[str]) -> list[tuple[str, Step]]:
    """An ensemble's steps: one for each member, then the softmax of the weighted sum of their log-probabilities.

    Hinton, "Training products of experts", Neural Computation 14, 2002. A mirrored member sees the crops mirrored.
    What members have in common, as classical ones have landmarks, is computed once. A member may lie beside the
    ensemble or anywhere else that models are looked for: its hash says which one is meant.
    """

    name, members = card.name, card.members
    loaded: dict[str, Recognizer] = {}
    for member in members:
        folder = recognizers.folder_of_member(member, root)
        if folder is None:
            near = root if member.name in recognizers.names(root) else None
            other = recognizers.card(member.name, near)
            if other.members:
                raise InputError(root / name, "members with a model of their own", f"{member.name}, an ensemble")
            command = card.training.get("command") or f"facial-emotion train ensemble {name}"
            advice = f"it was trained anew: run {command} again"
            found = f"{other.files[MODEL].sha256[:12]}…"
            raise InputError(root / name, f"{member.name} {member.sha256[:12]}…", found, advice)
        loaded[member.name] = recognizers.load(member.name, threads, folder, providers)

    def begin(crops: np.ndarray) -> _Asked:
        return _Asked(crops, np.zeros((len(crops), len(EMOTIONS))), {})

    def ask(member: Member) -> Step:
        recognizer = loaded[member.name]

        def step(asked: _Asked) -> _Asked:
            value: Any = np.ascontiguousarray(asked.crops[:, :, ::-1]) if member.mirrored else asked.crops
            path: tuple[object, ...] = (member.mirrored,)
            for _, function in recognizer.steps:
                path += (function,)
                if path not in asked.known:
                    asked.known[path] = function(value)
                value = asked.known[path]
            return asked._replace(total=asked.total + member.weight * recognizers.log_of(value))

        return step

    def pool(asked: _Asked) -> np.ndarray:
        total = asked.total + (card.offsets or 0.0)
        total = np.exp(total - total.max(axis=1, keepdims=True))
        return (total / total.sum(axis=1, keepdims=True)).astype(np.float32)

    asked = [(f"{member.name}{' mirrored' * member.mirrored}", ask(member)) for member in members]
    return [("begin", begin), *asked, ("pool", pool)]
