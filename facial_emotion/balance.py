"""The third answer of a model with two heads: no emotion is favoured because it was common.

    facial-emotion train balanced cnn --data fer2013.csv.xz

softmax(s (w log p + (1 - w) log v - a log q)): p are the probabilities by FER2013's labels, v those by people's votes,
and q the emotions' shares in the votes for Training, which are partly taken out (logit adjustment: Menon et al.,
"Long-tail learning via logit adjustment", ICLR 2021). Chosen on PublicTest are w and a of the highest mean recall by
people's choice, of those that cost at most a point of accuracy; s calibrates the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from facial_emotion import recognizers
from facial_emotion.artifact import MODEL
from facial_emotion.errors import InputError
from facial_emotion.evaluation.evaluate import SPLITS, choices, evaluate, targets
from facial_emotion.evaluation.results import installed_versions
from facial_emotion.evaluation.scores import mean_recall
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Card, Member

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013

LOSS = 0.01  # of accuracy by people's choice on PublicTest, the most that balance may cost
_MIXES, _POWERS = np.arange(0, 0.51, 0.05).round(2), np.arange(0, 1.01, 0.05).round(2)


@dataclass(frozen=True)
class Balance:
    """How both heads become one answer. mix: the weight of FER2013's labels; power: of the shares that are taken out;
    scale: of the sum, which calibrates it.
    """

    mix: float
    power: float
    scale: float = 1.0

    def logits(self, by_labels: np.ndarray, by_people: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Logits (n, 7) from log-probabilities (n, 7) of both heads and the emotions' shares (7,)."""
        mixed = self.mix * by_labels + (1 - self.mix) * by_people - self.power * np.log(shares)
        return self.scale * mixed


Logs = tuple[np.ndarray, np.ndarray]  # of both heads


def shares_of_votes(data: Fer2013) -> np.ndarray:
    """The shares float (7,) of the emotions in people's votes for Training. Raises InputError where one has none."""
    votes = data.people_votes()[data.split("Training").rows, : len(EMOTIONS)].sum(axis=0)
    if not votes.all():
        raise InputError("data", "votes for every emotion in Training", f"none for {EMOTIONS[votes.argmin()]}")
    return votes / votes.sum()


def choose(logs: Logs, labels: np.ndarray, shares: np.ndarray) -> tuple[float, float]:
    """Mix and power. labels: people's choice int (n,), -1 for none; shares: float (7,)."""
    known = labels >= 0
    if not known.any():
        raise InputError("data", "votes for one of the seven emotions in PublicTest", "none")

    def answers(mix: float, power: float) -> np.ndarray:
        return Balance(mix, power).logits(*logs, shares).argmax(axis=1)[known]

    least = float((answers(0.0, 0.0) == labels[known]).mean()) - LOSS
    tried = []
    for mix, power in product(_MIXES, _POWERS):
        answered = answers(mix, power)
        if (answered == labels[known]).mean() >= least:
            tried.append((mean_recall(labels[known], answered), -float(mix), -float(power)))
    _, mix, power = max(tried)  # of equal ones the least change
    return -mix, -power


def calibrated(mix: float, power: float, logs: Logs, shares: np.ndarray, expected: np.ndarray) -> Balance:
    """The balance with the scale of least cross-entropy with targets (n, 7), which sum to their rows' weights."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = Balance(mix, power).logits(*logs, shares)

    def loss(scale: float) -> float:
        return -float((expected * log_softmax(scale * logits, axis=1)).sum())

    return Balance(mix, power, float(minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded").x))


def heads_of(name: str) -> tuple[str, str]:
    """A model that answers with FER2013's labels and its twin that answers as people would. Raises InputError."""
    if recognizers.card(name).labels != "fer2013":
        raise InputError("name", "a model that answers with FER2013's labels", repr(name))
    twin = recognizers.with_labels(name, "people")
    if recognizers.folder_of(twin) != recognizers.folder_of(name):
        raise InputError("name", f"{name} and {twin} in one folder", "two: they are not heads of one model")
    return name, twin


def make(name: str, data: Fer2013, command: str) -> Card:
    """The card of a balanced recognizer, whose members are both heads of ``name``, a recognizer or an ensemble."""
    from scipy.special import softmax

    if data.votes is None:
        raise InputError("data", "FER+'s votes beside it", "none", "see data/README.md")
    pair = [recognizers.load(each) for each in heads_of(name)]
    shares = shares_of_votes(data)

    def logs_of(split: str) -> Logs:
        crops = data.split(split).crops
        by_labels, by_people = (recognizers.log_of(recognizers.predict(one, crops, split)) for one in pair)
        return by_labels, by_people

    logs = {split: logs_of(split) for split in SPLITS}
    mix, power = choose(logs["PublicTest"], choices(data, "PublicTest", "people"), shares)
    found = calibrated(mix, power, logs["PublicTest"], shares, targets(data, "PublicTest", "people"))

    def answers(split: str) -> np.ndarray:
        return softmax(found.logits(*logs[split], shares), axis=1)

    evaluation = evaluate(data, answers, "balanced")
    settings = {"mix": mix, "power": power, "scale": found.scale, "shares": shares.round(4).tolist()}
    return Card(
        name=f"{name}-balanced",
        track="ensemble",
        input="crops uint8 (n, 48, 48)",
        emotions=list(EMOTIONS),
        labels="balanced",
        members=_members(pair, (mix, 1 - mix), found.scale),
        offsets=(-found.scale * power * np.log(shares)).tolist(),
        training={
            "command": command,
            "balance": settings,
            "seed": None,
            "data_hash": data.hash,
            "versions": installed_versions(("numpy", "scipy", "onnxruntime")),
        },
        calibration="a scale of the mixed answer, fitted on PublicTest",
        licence=pair[0].card.licence,
        files={},
        **vars(evaluation),
    )


def _members(pair: list[recognizers.Recognizer], shares: tuple[float, float], scale: float) -> list[Member]:
    """The members of the mix: both heads or, of ensembles, the members of both."""
    members = []
    for recognizer, share in zip(pair, shares, strict=True):
        own = recognizer.card
        file = own.files.get(MODEL)
        parts = own.members or ([Member(recognizer.name, False, 1.0, file.sha256, file.size)] if file else [])
        members += [
            Member(each.name, each.mirrored, each.weight * share * scale, each.sha256, each.size) for each in parts
        ]
    return [member for member in members if member.weight > 0]
