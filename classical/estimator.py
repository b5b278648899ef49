"""scikit-learn's estimators beside ours: theirs can be exported and served, ours fitted and cross-validated as theirs.

from sklearn.model_selection import cross_val_score
cross_val_score(Classifier("svm"), crops, labels)
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from facial_emotion import registry
from facial_emotion.classical import models
from facial_emotion.classical.graph import Graph
from facial_emotion.classical.recipe import RECIPES, Recipe
from facial_emotion.classical.task import Fitted, Task
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.extract import column_ranges, extract, mirror_of
from facial_emotion.records import Json, read_json
from facial_emotion.training.augment import moved
from facial_emotion.training.recipe import checked, completed

if TYPE_CHECKING:
    import onnx

BOUND = 1e-3  # largest difference of a probability that single precision may cause
_LEAST = 1e-6  # probability that has a logarithm
_PREFIX = "sklearn/"


def from_sklearn(classifier: ClassifierMixin, columns: int) -> Fitted:
    """A fitted scikit-learn classifier or pipeline as a model: its scores are the logarithms of its probabilities.

    classifier: of features (n, columns) and labels 0-6, with ``predict_proba`` and ``classes_``, of a kind that
    skl2onnx converts. Raises InputError for another.
    """
    if not hasattr(classifier, "predict_proba") or not set(getattr(classifier, "classes_", [-1])) <= set(range(7)):
        expected = "a fitted scikit-learn classifier of labels 0-6 with predict_proba"
        raise InputError("model", expected, type(classifier).__name__, "as CalibratedClassifierCV(SVC()).fit(…)")
    places = np.zeros((len(classifier.classes_), len(EMOTIONS)), dtype=np.float32)
    places[np.arange(len(places)), classifier.classes_] = 1  # an emotion that Training lacks has none

    def scores(features: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(classifier.predict_proba(features.astype(np.float32)) @ places, _LEAST))

    def graph() -> Graph:
        converted = _converted(classifier, columns)
        whole = Graph(constants=list(converted.graph.initializer))
        whole.add("Identity", ["features"], f"{_PREFIX}features")
        whole.nodes += converted.graph.node
        probabilities = converted.graph.output[1].name
        whole.add("MatMul", [probabilities, whole.constant("places", places)], "placed")
        whole.add("Max", ["placed", whole.constant("least", np.array(_LEAST, dtype=np.float32))], "positive")
        whole.add("Log", ["positive"], "scores")
        return whole

    return Fitted(scores, graph, BOUND, {"estimator": str(classifier)[:500]})


def _converted(classifier: ClassifierMixin, columns: int) -> onnx.ModelProto:
    """The classifier in ONNX, all names with a prefix. Raises InputError for what skl2onnx can't convert."""
    import onnx.compose
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    columns_of = [("features", FloatTensorType([None, columns]))]
    opsets, options = {"": 17, "ai.onnx.ml": 3}, {"zipmap": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # skl2onnx reads attributes that scikit-learn deprecated
            model = to_onnx(classifier, initial_types=columns_of, options=options, target_opset=opsets)
    except (MissingConverter, MissingShapeCalculator) as error:
        raise InputError("model", "an estimator that skl2onnx converts", str(error).splitlines()[0]) from error
    return onnx.compose.add_prefix(model, _PREFIX)


def fit_model(model: str, task: Task, settings: Json) -> Fitted:
    """A model by its name, fitted on a task; what is scikit-learn's becomes a model of ours."""
    fitted = registry.module(models, model).fit(task, settings)
    return fitted if isinstance(fitted, Fitted) else from_sklearn(fitted, task.features.shape[1])


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classical model as a scikit-learn classifier of crops uint8 (n, 48, 48) and labels int (n,), 0-6.

    model: its name; recipe: settings that differ from the model's own in classical/recipes; it has no second head.
    Probabilities are not calibrated, and boosting with patience looks at the rows that it is fitted on: a training by
    a job does both on PublicTest.
    """

    def __init__(self, model: str = "svm", recipe: Json | None = None, seed: int = 0, threads: int = 2) -> None:
        self.model, self.recipe, self.seed, self.threads = model, recipe, seed, threads

    def fit(self, crops: np.ndarray, labels: np.ndarray) -> Classifier:
        """Fit on the features of crops by the recipe; returns itself. Raises InputError for another model or recipe."""
        if self.model not in registry.names(models):
            raise InputError("model", f"one of {', '.join(registry.names(models))}", repr(self.model))
        own = read_json(RECIPES / f"{self.model}.json")
        recipe = checked(Recipe, completed(own, self.recipe or {}, "recipe"), "recipe")
        self.features_ = recipe.features
        features, labels = extract(crops, self.features_), np.asarray(labels, dtype=np.int64)
        copies = moved(crops, recipe.augment, recipe.copies, self.seed)
        task = Task(
            features,
            labels,
            features,
            labels,
            mirror_of(self.features_),
            column_ranges(self.features_),
            self.seed,
            self.threads,
            moved=tuple(extract(copy, self.features_) for copy in copies),
        )
        self.fitted_ = fit_model(self.model, task, recipe.fit)
        self.classes_ = np.arange(len(EMOTIONS))
        return self

    def decision_function(self, crops: np.ndarray) -> np.ndarray:
        """The model's scores float (n, 7)."""
        return self.fitted_.scores(extract(crops, self.features_))[:, : len(EMOTIONS)]

    def predict_proba(self, crops: np.ndarray) -> np.ndarray:
        """The softmax of the scores, float (n, 7)."""
        from scipy.special import softmax

        return softmax(self.decision_function(crops), axis=1)

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """The labels int (n,) of the highest scores."""
        return self.decision_function(crops).argmax(axis=1)
