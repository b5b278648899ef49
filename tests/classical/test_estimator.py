"""scikit-learn's classifiers as models that are exported, and our models as scikit-learn's classifiers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from facial_emotion import recognizers, registry
from facial_emotion.classical import train
from facial_emotion.classical.estimator import Classifier, from_sklearn
from facial_emotion.data import fer2013
from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.training.job import Job, run

GEOMETRY = {"blocks": [["geometry"]]}
SVM = {
    "features": GEOMETRY,
    "fit": {"blocks": [{"components": [20, 10], "weight": 1.0}], "gamma": 1.0, "ridge": 0.1, "class_weight_power": 0.0},
}


@pytest.mark.parametrize(
    "classifier",
    [
        make_pipeline(StandardScaler(), PCA(20), CalibratedClassifierCV(SVC(), ensemble=False)),
        make_pipeline(StandardScaler(), LogisticRegression(C=0.1)),
        RandomForestClassifier(20, random_state=0),
    ],
    ids=["svc", "logistic", "forest"],
)
def test_a_scikit_learn_classifier_is_trained_exported_and_loaded(
    classifier: BaseEstimator,
    small_csv: Path,
    cache: Path,
    tmp_path: Path,
    crops: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = SimpleNamespace(
        fit=lambda task, settings: clone(classifier).fit(task.features, task.labels), SPACE={}, HEADS=("fer2013",)
    )
    monkeypatch.setattr(registry, "module", lambda package, name: module)
    data = fer2013.load(small_csv)
    (card,) = run(Job("svm", train.Recipe(GEOMETRY, {}), data), tmp_path / "theirs")  # checks that both agree
    assert card.parity is not None
    assert card.parity["same_labels"] > 0.99
    assert recognizers.load("theirs", root=tmp_path).predict_proba(crops[:5]).shape == (5, len(EMOTIONS))


def test_emotions_that_it_never_saw_have_no_probability() -> None:
    rows, labels = np.random.default_rng(0).normal(size=(60, 4)), np.repeat([0, 3, 6], 20)
    scores = from_sklearn(LogisticRegression().fit(rows, labels), 4).scores(rows)
    assert scores.shape == (60, 7)
    assert (scores[:, [1, 2, 4, 5]] < -13).all()
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, atol=1e-4)


def test_what_is_no_classifier_of_emotions_is_one_line() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(InputError, match=r"expected a fitted scikit-learn classifier of labels 0-6 .* found Lin"):
        from_sklearn(LinearRegression().fit(rows, rows[:, 0]), 3)
    with pytest.raises(InputError, match="expected a fitted scikit-learn classifier of labels 0-6"):
        from_sklearn(LogisticRegression().fit(rows, np.repeat(["joy", "fear"], 10)), 3)


def test_a_scikit_learn_model_and_wrong_names_and_recipes(small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = fer2013.load(small_csv).split("Training")
    crops, labels = np.asarray(training.crops[:60]), np.asarray(training.labels[:60])
    with pytest.raises(InputError, match="model: expected one of lightgbm, svm, xgboost, found 'cnn'"):
        Classifier("cnn").fit(crops, labels)
    with pytest.raises(
        InputError, match=r"recipe: expected in 'fit\.blocks' one entry for each of the 1 blocks of features, found 3"
    ):
        Classifier("svm", recipe={"features": GEOMETRY}).fit(crops, labels)
    module = SimpleNamespace(fit=lambda task, settings: LogisticRegression(C=0.1).fit(task.features, task.labels))
    monkeypatch.setattr(registry, "module", lambda package, name: module)
    theirs = Classifier("svm", recipe={"features": GEOMETRY, "fit": {}}).fit(crops, labels)
    assert theirs.predict_proba(crops[:3]).shape == (3, 7)


def test_our_models_are_scikit_learn_classifiers(small_csv: Path) -> None:
    training = fer2013.load(small_csv).split("Training")
    crops, labels = np.asarray(training.crops[:120]), np.asarray(training.labels[:120])
    ours = Classifier("svm", recipe=SVM)
    assert clone(ours).get_params()["recipe"] == SVM
    shares = cross_val_score(ours, crops, labels, cv=2)
    assert (shares > 1 / 7).all()
    fitted = ours.fit(crops, labels)
    probabilities = fitted.predict_proba(crops[:9])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(crops[:9])).all()
