"""Which model to take: the most accurate one, and a faster one only where it is shown to be as good.

A model that is not shown to be worse is not shown to be as good. So a few pictures don't choose a model: the one that
is most accurate on FER2013's PublicTest is taken until another is shown to be better, and a faster one is called as
good when it is shown to be worse by less than a margin (a test of non-inferiority).
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facial_emotion.evaluation.statistics import Difference, difference, independent_difference
from facial_emotion.records import Card, Json

MARGIN = 0.02  # accuracy by which a model may be worse and is still called as good
FASTER = 2.0  # times: how much faster a model must be to be named for those who have less time
TEMPLATES = {
    "take": "Take {take}.",
    "chosen": "Take {take}, which is right most often on FER2013.",
    "better": "Take {take}: on these {rows} files it is shown to be right more often than {chosen}, which is on "
    "FER2013.",
    "best": "None is right more often on these {rows} files.",
    "chance": "On these {rows} files {best} is right more often, by {lead:.1f} points, which may be chance.",
    "more for best": "About {more_for_best} more files would tell.",
    "as good": "If a face must take under {limit:.1f} ms, take {faster} ({ms:.1f} ms), which is as good to within "
    "{margin:g} points: {change:+.1f} (95 %: {low:+.1f} to {high:+.1f}).",
    "faster": "If a face must take under {limit:.1f} ms, take {faster} ({ms:.1f} ms): {change:+.1f} points of accuracy "
    "(95 %: {low:+.1f} to {high:+.1f}).",
    "more for faster": "About {more_for_faster} more files would show whether it is as good to within {margin:g} "
    "points.",
}


@dataclass(frozen=True)
class Candidate:
    """A model to choose among.

    accuracy: on ``rows`` rows; milliseconds: of a face; prior: accuracy on PublicTest, which chooses, 0 where it is not
    known; right: bool (rows,), where it is known on which rows the model is right, the same rows for all candidates.
    """

    model: str
    accuracy: float
    rows: int
    milliseconds: float
    prior: float
    right: np.ndarray | None = None


@dataclass(frozen=True)
class Advice:
    """Which model to take. chosen: by PublicTest; best: right most often on the rows; lead: of it over ``take``.

    faster: of the models that take at most half of the time, the fastest that is shown to be worse by less than the
    margin, if any, or else the one that PublicTest chooses; loss: the difference to it; shown: whether it is as good.
    """

    take: Candidate
    chosen: Candidate
    best: Candidate
    lead: Difference
    faster: Candidate | None
    loss: Difference | None
    shown: bool
    margin: float


def prior(card: Card, labels: str) -> float:
    """A model's accuracy on PublicTest by FER2013's labels ("fer2013") or else people's choice; 0 if unknown."""
    if labels != "fer2013":
        return card.people["PublicTest"].choice.accuracy if "PublicTest" in card.people else 0.0
    return card.metrics["PublicTest"].accuracy if "PublicTest" in card.metrics else 0.0


def advise(candidates: Sequence[Candidate], margin: float = MARGIN, choose_on_rows: bool = False) -> Advice:
    """The advice for one or more candidates.

    choose_on_rows: whether a model that is shown to be better on the rows is taken instead of the one that PublicTest
    chooses: not for PrivateTest, on which nothing is chosen. The intervals of 95 % hold for all candidates at once, by
    Bonferroni's correction.
    """
    tests = max(1, len(candidates) - 1)
    chosen = take = max(candidates, key=lambda each: (each.prior, each.accuracy))
    best = max(candidates, key=lambda each: (each.accuracy, each.prior))
    if choose_on_rows:
        better = [each for each in candidates if each is not chosen and _difference(each, chosen, tests).low > 0]
        take = max(better, key=lambda each: each.accuracy, default=chosen)
    quicker = [each for each in candidates if FASTER * each.milliseconds <= take.milliseconds]
    as_good = [each for each in quicker if _difference(take, each, tests).high < margin]
    faster = max(quicker, key=lambda each: (each.prior, each.accuracy), default=None)
    faster = min(as_good, key=lambda each: each.milliseconds, default=faster)
    loss = _difference(take, faster, tests) if faster else None
    return Advice(take, chosen, best, _difference(best, take, tests), faster, loss, bool(as_good), margin)


def sentences(advice: Advice, own_pictures: bool = False) -> list[tuple[str, Json]]:
    """Advice as sentences: each a key of TEMPLATES, and what to fill in. own_pictures: not FER2013's."""
    take, best, faster, loss = advice.take, advice.best, advice.faster, advice.loss
    values: Json = {"take": take.model, "chosen": advice.chosen.model, "best": best.model, "rows": take.rows}
    values |= {"lead": 100 * advice.lead.estimate, "margin": 100 * advice.margin}
    kinds = ["take"]
    if own_pictures:
        is_ahead = best.accuracy > take.accuracy
        kinds = ["chosen" if take is advice.chosen else "better", "chance" if is_ahead else "best"]
        values["more_for_best"] = _more(advice.lead, advice.lead.middle, take.rows)
        kinds += ["more for best"] * bool(is_ahead and values["more_for_best"])
    if faster and loss:
        values |= {"faster": faster.model, "limit": take.milliseconds, "ms": faster.milliseconds}
        values |= {"change": -100 * loss.estimate, "low": -100 * loss.high, "high": -100 * loss.low}
        values["more_for_faster"] = _more(loss, advice.margin - loss.middle, take.rows)
        kinds.append("as good" if advice.shown else "faster")
        kinds += ["more for faster"] * bool(own_pictures and values["more_for_faster"])
    return [(kind, {name: values[name] for name in _fields(TEMPLATES[kind])}) for kind in kinds]


def in_words(advice: Advice, own_pictures: bool = False) -> str:
    """Advice in English."""
    return " ".join(TEMPLATES[kind].format(**values) for kind, values in sentences(advice, own_pictures))


def _fields(template: str) -> list[str]:
    """The names of what a template is filled with."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name]


def _difference(first: Candidate, second: Candidate, tests: int) -> Difference:
    """How much more accurate the first candidate is; on the same rows where it is known which, else on two samples."""
    share = 1 - 0.05 / tests
    if first.right is not None and second.right is not None:
        return difference(first.right, second.right, share)
    counts = [(round(each.accuracy * each.rows), each.rows) for each in (first, second)]
    return independent_difference(*counts[0], *counts[1], share)


def _more(difference: Difference, distance: float, rows: int) -> int | None:
    """How many more rows would make half of an interval as short as a distance; None where none is expected to."""
    half = (difference.high - difference.low) / 2
    if distance <= 0 or half <= distance:
        return None
    needed = rows * (half / distance) ** 2 - rows
    step = 10 ** max(0, math.floor(math.log10(needed)) - 1)  # two figures are enough
    return int(math.ceil(needed / step) * step)
