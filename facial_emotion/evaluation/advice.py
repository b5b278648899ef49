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
from typing import Any

import numpy as np

from facial_emotion.evaluation.statistics import Difference, difference, independent_difference
from facial_emotion.records import Card

MARGIN = 0.02  # accuracy by which a model may be worse and is still called as good
FASTER = 2.0  # times, from which on a model is named for those who have less time
TEMPLATES = {
    "take": "Take {take}.",
    "best": "Take {take}: none is right more often on these {rows} pictures.",
    "not best": "Take {take}, which is right most often on FER2013; {best} is on these {rows} pictures, by {lead:.1f} "
    "points.",
    "not shown": "Take {take}, which is right most often on FER2013. On these {rows} pictures {best} is, by {lead:.1f} "
    "points, but that may be chance: about {more} more pictures would tell.",
    "as good": "If a face must take under {limit:.1f} ms, take {faster} ({ms:.1f} ms), which is as good to within "
    "{margin:g} points: {change:+.1f} (95 %: {low:+.1f} to {high:+.1f}).",
    "faster": "If a face must take under {limit:.1f} ms, take {faster} ({ms:.1f} ms): {change:+.1f} points of accuracy "
    "(95 %: {low:+.1f} to {high:+.1f}).",
    "more": "About {more_for_faster} more pictures would show whether it is as good to within {margin:g} points.",
}


@dataclass(frozen=True)
class Candidate:
    """A model to choose among.

    accuracy: on ``rows`` rows; milliseconds: of a face; prior: accuracy on PublicTest, which chooses; right: bool
    (rows,), where it is known on which rows the model is right, the same rows for all candidates.
    """

    model: str
    accuracy: float
    rows: int
    milliseconds: float
    prior: float
    right: np.ndarray | None = None


@dataclass(frozen=True)
class Advice:
    """Which model to take. best: the one that is right most often on the rows, which may be another; lead: of it.

    faster: the fastest model that is shown to be worse by less than the margin, if any; else the most accurate one
    of those that take at most half of the time; loss: the difference to it; shown: whether it is as good.
    more_for_best, more_for_faster: so many more rows would tell; None where no number is expected to.
    """

    take: Candidate
    best: Candidate
    lead: Difference
    more_for_best: int | None
    faster: Candidate | None
    loss: Difference | None
    shown: bool
    more_for_faster: int | None
    margin: float


def prior(card: Card, labels: str) -> float:
    """A model's accuracy on PublicTest, by FER2013's labels ("fer2013") or, where it was judged by them, by people."""
    if labels == "people" and "PublicTest" in card.people:
        return card.people["PublicTest"].choice.accuracy
    return card.metrics["PublicTest"].accuracy if "PublicTest" in card.metrics else 0.0


def advise(candidates: Sequence[Candidate], margin: float = MARGIN, choose_on_rows: bool = False) -> Advice:
    """The advice for one or more candidates.

    choose_on_rows: whether a model that is shown to be better on the rows is taken instead of the one that PublicTest
    chooses: not for PrivateTest, on which nothing is chosen. What is shown is shown of all models at once, by
    Bonferroni's correction; ``lead`` and ``loss`` have intervals of 95 % for themselves.
    """
    tests = max(1, len(candidates) - 1)
    take = max(candidates, key=lambda each: (each.prior, each.accuracy))
    best = max(candidates, key=lambda each: (each.accuracy, each.prior))
    if choose_on_rows:
        shown = [each for each in candidates if each is not take and _difference(each, take, tests).low > 0]
        take = max(shown, key=lambda each: each.accuracy, default=take)
    quicker = [each for each in candidates if each.milliseconds < take.milliseconds]
    as_good = [each for each in quicker if _difference(take, each, tests).high < margin]
    faster = min(as_good, key=lambda each: each.milliseconds, default=None)
    if faster is None:
        quicker = [each for each in quicker if FASTER * each.milliseconds <= take.milliseconds]
        faster = max(quicker, key=lambda each: (each.prior, each.accuracy), default=None)
    lead, loss = _difference(best, take, 1), _difference(take, faster, 1) if faster else None
    more = _more(loss, margin - loss.estimate, take.rows) if loss else None
    return Advice(take, best, lead, _more(lead, lead.estimate, take.rows), faster, loss, bool(as_good), more, margin)


def sentences(advice: Advice, own_pictures: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """Advice as sentences: each a key of TEMPLATES, and what to fill in. own_pictures: not FER2013's."""
    take, best, faster, loss = advice.take, advice.best, advice.faster, advice.loss
    values: dict[str, Any] = {"take": take.model, "best": best.model, "rows": take.rows}
    values |= {"lead": 100 * advice.lead.estimate, "more": advice.more_for_best or 0, "margin": 100 * advice.margin}
    first = "take"
    if own_pictures:
        first = "best" if best.accuracy <= take.accuracy else "not shown" if advice.more_for_best else "not best"
    kinds = [first]
    if faster and loss:
        values |= {"faster": faster.model, "limit": take.milliseconds, "ms": faster.milliseconds}
        values |= {"change": -100 * loss.estimate, "low": -100 * loss.high, "high": -100 * loss.low}
        kinds.append("as good" if advice.shown else "faster")
        if own_pictures and not advice.shown and advice.more_for_faster:
            values["more_for_faster"] = advice.more_for_faster
            kinds.append("more")
    return [(kind, {name: values[name] for name in _fields(TEMPLATES[kind])}) for kind in kinds]


def _fields(template: str) -> list[str]:
    """The names of what a template is filled with."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name]


def in_words(advice: Advice, own_pictures: bool = False) -> str:
    """Advice in English."""
    return " ".join(TEMPLATES[kind].format(**values) for kind, values in sentences(advice, own_pictures))


def _difference(first: Candidate, second: Candidate, tests: int) -> Difference:
    """How much more accurate the first candidate is; on the same rows where it is known which, else on two samples."""
    share = 1 - 0.05 / tests
    if first.right is not None and second.right is not None:
        return difference(first.right, second.right, share)
    counts = [(round(each.accuracy * each.rows), each.rows) for each in (first, second)]
    return independent_difference(*counts[0], *counts[1], share)


def _more(found: Difference, distance: float, rows: int) -> int | None:
    """How many more rows would make an interval as short as a distance from its middle; None where none would."""
    if distance <= 0:
        return None
    half = (found.high - found.low) / 2
    needed = rows * (half / distance) ** 2
    if needed <= rows:
        return 0
    step = 10 ** max(0, math.floor(math.log10(needed - rows)) - 1)  # two figures are enough
    return int(math.ceil((needed - rows) / step) * step)
