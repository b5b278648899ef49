"""The balanced answer: chosen within its loss, the same in the library and in the recognizer, and by the command."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from facial_emotion import balance, paths, recognizers
from facial_emotion.commands import train
from facial_emotion.data import fer2013
from facial_emotion.errors import InputError
from facial_emotion.evaluation.scores import mean_recall

SHARES = np.array([0.08, 0.01, 0.03, 0.27, 0.15, 0.12, 0.34])


def drawn(seed: int, rows: int = 3000) -> tuple[np.ndarray, balance.Logs]:
    """Labels with skewed shares, and log-probabilities of two heads: the second one's follow these shares."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(7, rows, p=SHARES)
    seen = 1.4 * np.eye(7)[labels] + rng.normal(0, 1, (rows, 7))
    other = 1.0 * np.eye(7)[labels] + rng.normal(0, 1, (rows, 7))
    return labels, (log_softmax(other, axis=1), log_softmax(seen + np.log(SHARES), axis=1))


@limits(deadline=None, max_examples=10)
@given(st.integers(0, 1000))
def test_balance_raises_mean_recall_within_its_loss(seed: int) -> None:
    labels, logs = drawn(seed)
    mix, power = balance.choose(logs, labels, SHARES)
    plain = logs[1].argmax(axis=1)
    chosen = balance.Balance(mix, power).logits(*logs, SHARES).argmax(axis=1)
    assert (chosen == labels).mean() >= (plain == labels).mean() - balance.LOSS
    assert mean_recall(labels, chosen) > mean_recall(labels, plain) + 0.02


def test_rows_without_a_choice_do_not_count() -> None:
    labels, logs = drawn(1)
    some = np.where(np.arange(len(labels)) % 3 == 0, -1, labels)
    known = some >= 0
    assert balance.choose(logs, some, SHARES) == balance.choose((logs[0][known], logs[1][known]), labels[known], SHARES)


def test_the_scale_calibrates() -> None:
    labels, logs = drawn(2)
    expected = np.eye(7)[labels]
    found = balance.calibrated(0.1, 0.2, (3 * logs[0], 3 * logs[1]), SHARES, expected)
    assert found.scale < 0.6

    def loss(scale: float) -> float:
        logits = balance.Balance(0.1, 0.2, scale).logits(3 * logs[0], 3 * logs[1], SHARES)
        return -float((expected * log_softmax(logits, axis=1)).sum())

    assert loss(found.scale) <= min(loss(found.scale * 0.95), loss(found.scale * 1.05))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both heads of a model in a folder of their own, where new ones are written too."""
    place = tmp_path / "artifacts"
    for name in ("cnn", "cnn-ferplus", "lightgbm"):
        shutil.copytree(paths.SHIPPED / name, place / name)
    monkeypatch.setattr(paths, "ARTIFACTS", (place,))
    monkeypatch.setattr(paths, "NEW_ARTIFACTS", place)
    return place


def test_the_command_writes_a_recognizer_of_both_heads(voted_csv: Path, root: Path, crops: np.ndarray) -> None:
    train.main.main(["balanced", "cnn", "--data", str(voted_csv)], standalone_mode=False)
    card = recognizers.card("cnn-balanced", root)
    assert card.labels == "balanced"
    assert card.own("PrivateTest") == card.people["PrivateTest"].choice
    assert recognizers.with_labels("cnn-ferplus", "balanced", root) == "cnn-balanced"
    assert recognizers.with_labels("cnn-balanced", "fer2013", root) == "cnn"
    chosen = card.training["balance"]
    own, people = (
        recognizers.log_of(recognizers.load(name, root=root).predict_proba(crops)) for name in ("cnn", "cnn-ferplus")
    )
    settings = balance.Balance(chosen["mix"], chosen["power"], chosen["scale"])
    expected = softmax(settings.logits(own, people, np.array(chosen["shares"])), axis=1)
    np.testing.assert_allclose(recognizers.load("cnn-balanced", root=root).predict_proba(crops), expected, atol=1e-3)
    with pytest.raises(InputError, match="expected no trained model yet, found the model cnn-balanced"):
        train.main.main(["balanced", "cnn", "--data", str(voted_csv)], standalone_mode=False)


def test_an_ensemble_gets_the_members_of_both_heads(
    root: Path, crops: np.ndarray, voted_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for labels in ("fer2013", "people"):
        words = ["ensemble", "--members", "cnn" if labels == "fer2013" else "cnn-ferplus", "--mirrored"]
        train.main.main([*words, "--labels", labels, "--data", str(voted_csv)], standalone_mode=False)
    monkeypatch.setattr(balance, "choose", lambda *given: (0.25, 0.5))
    train.main.main(["balanced", "ensemble", "--data", str(voted_csv)], standalone_mode=False)
    card = recognizers.card("ensemble-balanced", root)
    assert {(member.name, member.mirrored) for member in card.members} == {
        (name, mirrored) for name in ("cnn", "cnn-ferplus") for mirrored in (False, True)
    }
    recognizer = recognizers.load("ensemble-balanced", root=root)
    public = fer2013.load(voted_csv).split("PublicTest")
    accuracy = (recognizer.predict_proba(public.crops).argmax(axis=1) == public.labels).mean()
    assert card.metrics["PublicTest"].accuracy == pytest.approx(accuracy, abs=0.02)  # as served, as was scored


def test_a_member_that_was_trained_anew_is_said_with_the_command(root: Path, voted_csv: Path) -> None:
    train.main.main(["balanced", "cnn", "--data", str(voted_csv)], standalone_mode=False)
    shutil.rmtree(root / "cnn-ferplus")
    shutil.copytree(root / "lightgbm", root / "cnn-ferplus")
    with pytest.raises(InputError, match="it was trained anew: run facial-emotion train balanced cnn again"):
        recognizers.load("cnn-balanced", root=root)


def test_votes_for_no_face_of_an_emotion_are_one_line() -> None:
    labels, logs = drawn(3, 50)
    with pytest.raises(InputError, match="expected votes for one of the seven emotions in PublicTest, found none"):
        balance.choose(logs, np.full_like(labels, -1), SHARES)


def test_a_model_without_a_twin_and_data_without_votes_are_one_line(
    voted_csv: Path, small_csv: Path, root: Path
) -> None:
    with pytest.raises(InputError, match="labels: expected fer2013, which lightgbm answers with, found 'people'"):
        train.main.main(["balanced", "lightgbm", "--data", str(voted_csv)], standalone_mode=False)
    with pytest.raises(InputError, match=r"expected FER\+'s votes beside it, found none; see data/README.md"):
        train.main.main(["balanced", "cnn", "--data", str(small_csv)], standalone_mode=False)
