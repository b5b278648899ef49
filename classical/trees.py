"""Common parts of LightGBM and XGBoost: mirrored rows, the linear model that boosting starts from, rows for a cluster,
and ONNX export.

Trees split on one feature at a time; sums over many features, which they need many splits for, are what a linear model
is best at. So the trees are fitted to what a linear model leaves over (the "offset" or "margin" of both libraries).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx

from facial_emotion.classical.graph import Graph, append_mirrored, average_mirrored
from facial_emotion.classical.symmetric_pca import symmetric_parts
from facial_emotion.classical.task import Task, class_weights
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Json
from facial_emotion.training import calibrate
from facial_emotion.training.tune import Space

if TYPE_CHECKING:
    from dask.array import Array
    from distributed import Client

# The part of the search space that both libraries have.
SPACE: Space = {
    "class_weight_power": ("float", {"low": 0.0, "high": 0.7}),
    "linear_ridge": ("float", {"low": 10.0, "high": 10_000.0, "log": True}),
    "parameters.learning_rate": ("float", {"low": 0.03, "high": 0.4, "log": True}),
}
Mirror = tuple[np.ndarray, np.ndarray]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # features, labels, weights, scores to start from
_FOLDS = 10
_LEAST_SPREAD = 1e-3  # of a feature, which may be constant


class Start(NamedTuple):
    """The linear model that boosting starts from, the same for a face and its mirror image.

    weights: float32 (d, 7); bias: float32 (7,); left_out: float32 (m, 7), the scores of Training's rows and of those
    of its moved copies, each by a fit without that face.
    """

    weights: np.ndarray
    bias: np.ndarray
    left_out: np.ndarray

    def scores(self, features: np.ndarray) -> np.ndarray:
        """The scores (n, 7), logits, of features (n, d)."""
        return features.astype(np.float32) @ self.weights + self.bias


def linear_start(task: Task, ridge: float | None) -> Start:
    """Ridge regression of the labels on the even part of the features, in units of their spread, turned into logits.

    Without a ridge, scores of 0.
    """
    if ridge is None:
        rows = (1 + len(task.moved)) * len(task.labels)
        shapes = ((task.features.shape[1], len(EMOTIONS)), (len(EMOTIONS),), (rows, len(EMOTIONS)))
        return Start(*(np.zeros(shape, dtype=np.float32) for shape in shapes))
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold

    parts = symmetric_parts(0, task.features.shape[1], task.mirror)
    even, _ = parts.split(task.features)
    spread = even.std(axis=0) + _LEAST_SPREAD
    even /= spread
    copies = [even, *(parts.split(features)[0] / spread for features in task.moved)]
    regression, targets = Ridge(alpha=ridge, solver="cholesky"), np.eye(len(EMOTIONS), dtype=np.float32)[task.labels]
    left_out = np.empty((len(copies), *targets.shape))
    for fitted, out in KFold(min(_FOLDS, len(targets))).split(even):
        regression.fit(even[fitted], targets[fitted])
        for number, copy in enumerate(copies):
            left_out[number, out] = regression.predict(copy[out])
    to_logits = calibrate.matrix(left_out[0], targets)
    regression.fit(even, targets)
    weights = np.zeros((task.features.shape[1], targets.shape[1]))
    of_even = (parts.scale / spread)[:, None] * (regression.coef_.T @ to_logits.weights)
    np.add.at(weights, parts.columns, of_even)
    np.add.at(weights, parts.mirror_columns, parts.sign[:, None] * of_even)
    bias = regression.intercept_ @ to_logits.weights + to_logits.bias
    left_out = left_out.reshape(-1, targets.shape[1]) @ to_logits.weights + to_logits.bias
    return Start(weights.astype(np.float32), bias.astype(np.float32), left_out.astype(np.float32))


def mirrored(features: np.ndarray, mirror: Mirror) -> np.ndarray:
    """Features (n, d) of the mirrored faces, same shape and dtype."""
    index, sign = mirror
    return np.take(features, index, axis=1) * sign.astype(features.dtype)


def training_rows(task: Task, recipe: Json, start: Start) -> Rows:
    """Features (m, d), labels, weights and scores to start from, of Training's n rows and of their moved copies.

    With ``mirrored_training`` all of them twice, as they are and mirrored.
    """
    features = np.concatenate([task.features, *task.moved], dtype=np.float32)
    labels, scores = np.tile(task.labels, 1 + len(task.moved)), start.left_out
    if recipe["mirrored_training"]:
        features = np.concatenate([features, mirrored(features, task.mirror)])
        labels, scores = np.concatenate([labels, labels]), np.concatenate([scores, scores])
    return features, labels, class_weights(labels, recipe["class_weight_power"]), scores


def scatter_rows(client: Client, rows: Rows) -> tuple[Array, ...]:
    """The rows as Dask arrays with one chunk on each worker, so that a fit transfers only gradient sums.

    Of k workers, each has every k-th row, so that all chunks have about the same distribution of labels.
    """
    import dask.array
    from dask.delayed import delayed

    workers = sorted(client.nthreads())
    arrays = []
    for array in rows:
        chunks = []
        for number, worker in enumerate(workers):
            chunk = np.ascontiguousarray(array[number :: len(workers)])
            scattered = delayed(client.scatter(chunk, workers=[worker]))
            chunks.append(dask.array.from_delayed(scattered, chunk.shape, chunk.dtype))
        arrays.append(dask.array.concatenate(chunks))
    return tuple(arrays)


def whole_scores(
    trees: Callable[[np.ndarray], np.ndarray], start: Start, mirror: Mirror | None
) -> Callable[[np.ndarray], np.ndarray]:
    """The scoring function of the linear model and the trees, which average over both mirror images, if given one."""
    if mirror is None:
        return lambda features: start.scores(features) + trees(features)
    return lambda features: start.scores(features) + (trees(features) + trees(mirrored(features, mirror))) / 2


def tree_graph(ensemble: onnx.ModelProto, start: Start, mirror: Mirror | None) -> Graph:
    """Nodes from ``features`` to ``scores``: those of ``whole_scores``, of trees that onnxmltools converted.

    Rounding the thresholds to float32 changes no comparison, since features are multiples of 1/256.
    """
    trees = next(node for node in ensemble.graph.node if node.op_type == "TreeEnsembleClassifier")
    settings = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in trees.attribute}
    settings["post_transform"] = b"NONE"
    graph = Graph()
    rows = append_mirrored(graph, mirror) if mirror is not None else "features"
    raw = "scores of both" if mirror is not None else "scores of trees"
    graph.nodes.append(
        onnx.helper.make_node(trees.op_type, [rows], ["tree label", raw], domain=trees.domain, **settings)
    )
    if mirror is not None:
        average_mirrored(graph, raw, "scores of trees")
    linear = [graph.constant("linear weights", start.weights), graph.constant("linear bias", start.bias)]
    graph.add("Gemm", ["features", *linear], "linear scores")
    graph.add("Add", ["linear scores", "scores of trees"], "scores")
    return graph
