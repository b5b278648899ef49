"""What the two boosted-tree models share: mirrored faces, rows on a cluster, and the ONNX export."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from facial_emotion.classical.graph import Graph, average_halves, with_mirrored
from facial_emotion.classical.task import Task, class_weights

if TYPE_CHECKING:
    from dask.array import Array
    from distributed import Client

Mirror = tuple[np.ndarray, np.ndarray]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # features, labels, weights


def mirrored(features: np.ndarray, mirror: Mirror) -> np.ndarray:
    """The features of the mirrored faces, same shape and dtype."""
    index, sign = mirror
    result: np.ndarray = np.take(features, index, axis=1) * sign.astype(features.dtype)
    return result


def training_rows(task: Task, recipe: dict[str, Any]) -> Rows:
    """Features (m, d) float32, labels (m,) and weights (m,) to boost on, mirrored faces among them if wanted."""
    features, labels = task.features.astype(np.float32), task.labels
    if recipe["mirrored_training"]:
        features = np.concatenate([features, mirrored(features, task.mirror)])
        labels = np.concatenate([labels, labels])
    return features, labels, class_weights(labels, recipe["class_weight_power"])


def spread(client: Client, rows: Rows) -> tuple[Array, ...]:
    """The same rows as Dask arrays, of one part on each worker, so that a fit moves only sums between them.

    A part has every so-manieth row, so that all have the same mixture of faces.
    """
    import dask.array
    from dask.delayed import delayed

    workers = sorted(client.nthreads())
    found = []
    for array in rows:
        parts = []
        for number, worker in enumerate(workers):
            part = np.ascontiguousarray(array[number :: len(workers)])
            sent = delayed(client.scatter(part, workers=[worker]))
            parts.append(dask.array.from_delayed(sent, part.shape, part.dtype))
        found.append(dask.array.concatenate(parts))
    return tuple(found)


def averaged(scores: Callable[[np.ndarray], np.ndarray], mirror: Mirror | None) -> Callable[[np.ndarray], np.ndarray]:
    """Scores averaged over a face and its mirror image, where a mirror is given."""
    if mirror is None:
        return scores
    return lambda features: (scores(features) + scores(mirrored(features, mirror))) / 2


def score_nodes(ensemble: onnx.ModelProto, mirror: Mirror | None) -> Graph:
    """A tree ensemble that onnxmltools converted -> nodes from ``features`` to raw ``scores``.

    Its softmax is left off. Thresholds lose nothing in single precision, since features are multiples of 1/256.
    """
    trees = next(node for node in ensemble.graph.node if node.op_type == "TreeEnsembleClassifier")
    settings = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in trees.attribute}
    settings["post_transform"] = b"NONE"
    graph = Graph()
    rows = with_mirrored(graph, mirror) if mirror is not None else "features"
    raw = "scores of both" if mirror is not None else "scores"
    graph.nodes.append(
        onnx.helper.make_node(trees.op_type, [rows], ["tree label", raw], domain=trees.domain, **settings)
    )
    if mirror is not None:
        average_halves(graph, raw, "scores")
    return graph
