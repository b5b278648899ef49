"""LS-SVM: a least-squares support vector machine with a mirror-invariant Gaussian kernel.

Suykens and Vandewalle, "Least squares support vector machine classifiers", Neural Processing Letters
1999: one-vs-all, with the squared loss instead of the hinge, so that the fit is one linear system and every
training face is a support vector. Support vectors are stored in 8 bits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facial_emotion.classical.graph import Graph
from facial_emotion.classical.kernel import Components, kernel, solve, steps
from facial_emotion.classical.quantise import fake_quantise, matmul_8bit
from facial_emotion.classical.symmetric_pca import SymmetricPca, fit_symmetric_pca, symmetric_parts
from facial_emotion.classical.task import Fitted, Task, class_weights
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Json
from facial_emotion.terminal import bar
from facial_emotion.training.tune import Space

HEADS = ("fer2013", "people")
SPACE: Space = {
    "gamma": ("float", {"low": 0.5, "high": 4.0, "log": True}),
    "ridge": ("float", {"low": 0.01, "high": 1.0, "log": True}),
    "class_weight_power": ("float", {"low": 0.0, "high": 0.7}),
}
# Largest difference of a probability between the float32 model and its 8-bit export. Labels may change where two
# emotions are nearly tied; the card has the difference in accuracy.
BOUND = 0.03
_CHUNK = 512  # feature rows that are scored at once, which bounds the size of their kernel matrix


def fit(task: Task, recipe: Json) -> Fitted:
    """Fit an LS-SVM on all rows of Training.

    recipe: ``blocks``, with the number of components (even, odd) and the weight of each feature block; ``gamma`` of the
    Gaussian kernel, in units of the inverse total weight; ``ridge``, the regularisation; ``class_weight_power``.
    Raises InputError where it has fewer or more blocks than the features.
    """
    if len(recipe["blocks"]) != len(task.blocks):
        expected = f"in 'fit.blocks' one entry for each of the {len(task.blocks)} blocks of features"
        raise InputError("recipe", expected, str(len(recipe["blocks"])))
    projections = []
    with bar("components", len(task.blocks)) as step:
        for (start, stop), settings in zip(task.blocks, recipe["blocks"], strict=True):
            parts = symmetric_parts(start, stop, task.mirror)
            exact = fit_symmetric_pca(task.features, parts, settings["components"], settings["weight"], task.seed)
            projections.append(_quantised_bases(exact))
            step()
    total = sum(settings["weight"] for settings in recipe["blocks"])
    gamma = recipe["gamma"] / total
    even, odd = components(projections, task.features)
    rows = fake_quantise(even.T).T, fake_quantise(odd.T).T  # the fit uses the values that the export holds
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[task.labels]
    if task.people is not None:  # a second set of outputs from the same kernel
        targets = np.hstack([targets, task.people])
    offset = targets.mean(axis=0)
    ridge = recipe["ridge"] / class_weights(task.labels, recipe["class_weight_power"])
    with bar("LS-SVM", steps(len(targets))) as step:
        weights, left_out = solve(rows, targets - offset, gamma, ridge.astype(np.float32), step)

    def scores(features: np.ndarray) -> np.ndarray:
        parts = (features[start : start + _CHUNK] for start in range(0, len(features), _CHUNK))
        return np.concatenate([kernel(components(projections, part), rows, gamma) @ weights for part in parts])

    def graph() -> Graph:
        return _graph(projections, rows, weights, gamma)

    notes = {"support_vectors": len(targets), "components": rows[0].shape[1] + rows[1].shape[1]}
    return Fitted(scores, graph, BOUND, notes, left_out)


def _quantised_bases(pca: SymmetricPca) -> SymmetricPca:
    """A PCA with the values of its bases that the export holds."""
    return replace(pca, even_basis=fake_quantise(pca.even_basis), odd_basis=fake_quantise(pca.odd_basis))


def components(projections: list[SymmetricPca], features: np.ndarray) -> Components:
    """Even (n, a) and odd (n, b) components of features (n, d), those of all blocks concatenated."""
    even, odd = zip(*(projection(features) for projection in projections), strict=True)
    return np.hstack(even), np.hstack(odd)


def _graph(projections: list[SymmetricPca], rows: Components, weights: np.ndarray, gamma: float) -> Graph:
    """ONNX nodes from ``features`` (n, d) to ``scores`` (n, 7), or (n, 14) with a second head."""
    graph = Graph()
    parts: dict[str, list[str]] = {"even": [], "odd": []}
    for number, projection in enumerate(projections):
        split = projection.parts
        values = _gather(graph, split.columns, f"values {number}")
        swapped = _gather(graph, split.mirror_columns, f"swapped {number}")
        mirrored = graph.add("Mul", [swapped, graph.constant(f"sign {number}", split.sign)], f"mirrored {number}")
        for name, kind, basis, mean in (
            ("even", "Add", projection.even_basis, projection.mean),
            ("odd", "Sub", projection.odd_basis, np.zeros_like(projection.mean)),
        ):
            label = f"{name} {number}"
            combined = graph.add(kind, [values, mirrored], f"{label} sum")
            scaled = graph.add("Mul", [combined, graph.constant(f"{label} scale", split.scale)], f"{label} part")
            centred = graph.add("Sub", [scaled, graph.constant(f"{label} mean", mean)], f"{label} centred")
            parts[name].append(matmul_8bit(graph, centred, basis, label))
    lengths = []
    products = {}
    for (name, blocks), support_vectors in zip(parts.items(), rows, strict=True):
        vector = graph.add("Concat", blocks, name, axis=1)
        lengths.append(graph.add("ReduceSumSquare", [vector], f"{name} squared length", axes=[1], keepdims=1))
        products[name] = matmul_8bit(graph, vector, support_vectors.T * np.float32(2 * gamma), f"{name} products")
    # -gamma |x ± z|² = -gamma |x|² - gamma |z|² ± 2 gamma x·z, x the input and z a support vector
    length = graph.add("Add", lengths, "squared length")
    scale = graph.constant("minus gamma", np.array([-gamma], dtype=np.float32))
    input_term = graph.add("Mul", [length, scale], "input term")
    support_term = graph.constant(
        "support vector term", (-gamma * ((rows[0] ** 2).sum(1) + (rows[1] ** 2).sum(1)))[None]
    )
    length_terms = graph.add("Add", [input_term, support_term], "length terms")
    even = graph.add("Add", [length_terms, products["even"]], "even exponent")
    kernel_same = graph.add("Exp", [graph.add("Add", [even, products["odd"]], "exponent")], "kernel")
    exponent = graph.add("Sub", [even, products["odd"]], "mirrored exponent")
    kernel_mirrored = graph.add("Exp", [exponent], "mirrored kernel")
    kernel_sum = graph.add("Add", [kernel_same, kernel_mirrored], "kernel sum")
    graph.add("MatMul", [kernel_sum, graph.constant("weights", weights / 2)], "scores")
    return graph


def _gather(graph: Graph, columns: np.ndarray, name: str) -> str:
    """Append a selection of feature columns; the name of its output."""
    return graph.add("Gather", ["features", graph.constant(f"{name} columns", columns.astype(np.int32))], name, axis=1)
