"""Common parts of LightGBM and XGBoost: mirror augmentation, distribution of rows on a cluster, and ONNX export."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from facial_emotion.classical.graph import Graph, append_mirrored, average_mirrored
from facial_emotion.classical.task import Task, class_weights

if TYPE_CHECKING:
    from dask.array import Array
    from distributed import Client

Mirror = tuple[np.ndarray, np.ndarray]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # features, labels, weights


def mirrored(features: np.ndarray, mirror: Mirror) -> np.ndarray:
    """Features (n, d) of the mirrored faces, same shape and dtype."""
    index, sign = mirror
    result: np.ndarray = np.take(features, index, axis=1) * sign.astype(features.dtype)
    return result


def training_rows(task: Task, recipe: dict[str, Any]) -> Rows:
    """Training features (m, d) float32, labels (m,) and weights (m,); with ``mirrored_training``, m is 2n."""
    features, labels = task.features.astype(np.float32), task.labels
    if recipe["mirrored_training"]:
        features = np.concatenate([features, mirrored(features, task.mirror)])
        labels = np.concatenate([labels, labels])
    return features, labels, class_weights(labels, recipe["class_weight_power"])


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


def mirror_averaged(
    scores: Callable[[np.ndarray], np.ndarray], mirror: Mirror | None
) -> Callable[[np.ndarray], np.ndarray]:
    """A scoring function that averages over a face and its mirror image; the same function if ``mirror`` is None."""
    if mirror is None:
        return scores
    return lambda features: (scores(features) + scores(mirrored(features, mirror))) / 2


def tree_graph(ensemble: onnx.ModelProto, mirror: Mirror | None) -> Graph:
    """Nodes from ``features`` to raw ``scores``, of a tree ensemble that onnxmltools converted; without its softmax.

    Rounding the thresholds to float32 changes no comparison, since features are multiples of 1/256.
    """
    trees = next(node for node in ensemble.graph.node if node.op_type == "TreeEnsembleClassifier")
    settings = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in trees.attribute}
    settings["post_transform"] = b"NONE"
    graph = Graph()
    rows = append_mirrored(graph, mirror) if mirror is not None else "features"
    raw = "scores of both" if mirror is not None else "scores"
    graph.nodes.append(
        onnx.helper.make_node(trees.op_type, [rows], ["tree label", raw], domain=trees.domain, **settings)
    )
    if mirror is not None:
        average_mirrored(graph, raw, "scores")
    return graph
