"""LS-SVM: a least-squares support vector machine with a mirror-invariant Gaussian kernel.

Suykens and Vandewalle, "Least squares support vector machine classifiers", Neural Processing Letters
1999: one-vs-all, with the squared loss instead of the hinge, so that the fit is one linear system and every
training face is a support vector. Support vectors are stored in 8 bits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from facial_emotion.classical.graph import Graph
from facial_emotion.classical.kernel import Components, kernel, solve, steps
from facial_emotion.classical.quantise import matmul_8bit, rounded
from facial_emotion.classical.symmetric_pca import SymmetricPca, fit_symmetric_pca, symmetric_parts
from facial_emotion.classical.task import Fitted, Task, class_weights
from facial_emotion.features.emotions import to_one_hot
from facial_emotion.terminal import bar

# Served with 8-bit products, so a label may change where two emotions are level; the card says what that costs.
BOUND = 0.03
_CHUNK = 512


def fit(task: Task, recipe: dict[str, Any]) -> Fitted:
    """Solve for all of Training.

    recipe: components (even, odd) and weight of each feature block, gamma, ridge, class_weight_power.
    """
    projections = []
    with bar("components", len(task.blocks)) as step:
        for (start, stop), settings in zip(task.blocks, recipe["blocks"], strict=True):
            parts = symmetric_parts(start, stop, task.mirror)
            exact = fit_symmetric_pca(task.features, parts, settings["components"], settings["weight"], task.seed)
            projections.append(replace(exact, even=rounded(exact.even), odd=rounded(exact.odd)))
            step()
    total = sum(settings["weight"] for settings in recipe["blocks"])
    gamma = recipe["gamma"] / total
    even, odd = components(projections, task.features)
    rows = rounded(even.T).T, rounded(odd.T).T  # fitted as they will be stored
    targets = to_one_hot(task.labels)
    offset = targets.mean(axis=0)
    ridge = recipe["ridge"] / class_weights(task.labels, recipe["class_weight_power"])
    with bar("LS-SVM", steps(len(targets))) as step:
        weights = solve(rows, targets - offset, gamma, ridge.astype(np.float32), step)

    def scores(features: np.ndarray) -> np.ndarray:
        parts = (features[start : start + _CHUNK] for start in range(0, len(features), _CHUNK))
        return np.concatenate([kernel(components(projections, part), rows, gamma) @ weights for part in parts])

    def graph() -> Graph:
        return _graph(projections, rows, weights, gamma)

    notes = {"support_vectors": len(targets), "components": rows[0].shape[1] + rows[1].shape[1]}
    return Fitted(scores, graph, BOUND, notes)


def components(projections: list[SymmetricPca], features: np.ndarray) -> Components:
    """The even and the odd components of features (n, d), all blocks side by side."""
    even, odd = zip(*(projection(features) for projection in projections), strict=True)
    return np.hstack(even), np.hstack(odd)


def _graph(projections: list[SymmetricPca], rows: Components, weights: np.ndarray, gamma: float) -> Graph:
    """``features`` (n, d) -> ``scores`` (n, 7)."""
    graph = Graph()
    parts: dict[str, list[str]] = {"even": [], "odd": []}
    for number, projection in enumerate(projections):
        split = projection.parts
        here = _gather(graph, split.first, f"here {number}")
        there = _gather(graph, split.second, f"there {number}")
        there = graph.add("Mul", [there, graph.constant(f"sign {number}", split.sign)], f"signed {number}")
        for name, kind, basis, mean in (
            ("even", "Add", projection.even, projection.mean),
            ("odd", "Sub", projection.odd, np.zeros_like(projection.mean)),
        ):
            label = f"{name} {number}"
            joined = graph.add(kind, [here, there], f"{label} joined")
            shared = graph.add("Mul", [joined, graph.constant(f"{label} share", split.share)], f"{label} part")
            centred = graph.add("Sub", [shared, graph.constant(f"{label} mean", mean)], f"{label} centred")
            parts[name].append(matmul_8bit(graph, centred, basis, label))
    lengths = []
    products = {}
    for (name, blocks), side in zip(parts.items(), rows, strict=True):
        vector = graph.add("Concat", blocks, name, axis=1)
        lengths.append(graph.add("ReduceSumSquare", [vector], f"{name} length", axes=[1], keepdims=1))
        products[name] = matmul_8bit(graph, vector, side.T * np.float32(2 * gamma), f"{name} products")
    length = graph.add("Add", lengths, "length")
    scale = graph.constant("minus gamma", np.array([-gamma], dtype=np.float32))
    own = graph.add("Mul", [length, scale], "own exponent")
    theirs = graph.constant("their exponent", (-gamma * ((rows[0] ** 2).sum(1) + (rows[1] ** 2).sum(1)))[None])
    both = graph.add("Add", [own, theirs], "exponent of lengths")
    even = graph.add("Add", [both, products["even"]], "even exponent")
    same = graph.add("Exp", [graph.add("Add", [even, products["odd"]], "same exponent")], "same")
    mirrored = graph.add("Exp", [graph.add("Sub", [even, products["odd"]], "mirrored exponent")], "mirrored kernel")
    graph.add(
        "MatMul",
        [graph.add("Add", [same, mirrored], "kernel"), graph.constant("weights", weights / 2)],
        "scores",
    )
    return graph


def _gather(graph: Graph, columns: np.ndarray, name: str) -> str:
    return graph.add("Gather", ["features", graph.constant(f"{name} columns", columns.astype(np.int32))], name, axis=1)
