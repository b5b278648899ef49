"""Shares of the emotions in pictures of one source: given or, without labels, estimated, and taken into account.

A model expects the emotions to have some shares q, by default nearly those that they have in FER2013. Where they are s,
its probabilities p become p (s / q)^(1 / t), divided by their sum; its threshold stays the one that was chosen for q.
t is the power of p that makes it the probability of the most frequent answer: people's votes for one face differ,
though most of them choose the same. The shares of greatest likelihood are found by expectation maximisation on p^t:
Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", Neural
Computation 14, 2002, after calibration: Alexandari, Kundaje and Shrikumar, "Maximum likelihood with bias-corrected
calibration is hard-to-beat at label shift adaptation", ICML 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Card

LEAST = 50  # faces that an estimate needs
EVEN, ESTIMATE = "even", "estimate"
_EXPECTED = f"{EVEN}, {ESTIMATE}, or shares that sum to 1 or less, as neutral=0.6,happy=0.2"
_KNOWN = 5.0  # faces, with the shares that a model expects, that an estimate begins with: else rare emotions vanish
_SMALLEST = 1e-4  # of a share: an emotion that is not there is still possible


def check(text: str) -> dict[str, float]:
    """The shares by emotion that a text gives; none for "even" and "estimate". Raises InputError for another text."""
    if text in (EVEN, ESTIMATE):
        return {}
    shares = {}
    for part in text.split(","):
        name, _, number = (word.strip() for word in part.partition("="))
        try:
            shares[name] = float(number)
        except ValueError:
            raise InputError("shares", _EXPECTED, repr(text)) from None
        if name not in EMOTIONS or not 0 <= shares[name] <= 1:
            raise InputError("shares", _EXPECTED, repr(text))
    if len(shares) <= text.count(","):
        raise InputError("shares", "each emotion once", repr(text))
    total = sum(shares.values())
    if total > 1.001 or (len(shares) == len(EMOTIONS) and total < 0.999):
        raise InputError("shares", _EXPECTED, f"{text!r}, which sum to {total:g}")
    return shares


def resolved(text: str, card: Card) -> np.ndarray:
    """The shares float (7,) that a text gives, but for "estimate"; emotions that it does not name share the rest.

    They share it as the model expects. Raises InputError, also for a model whose card does not say that.
    """
    given, expected = check(text), _expected(card)
    if text == EVEN:
        return np.full(len(EMOTIONS), 1 / len(EMOTIONS))
    rest = expected * [name not in given for name in EMOTIONS]
    rest *= max(0.0, 1 - sum(given.values())) / max(rest.sum(), 1e-9)
    return rest + [given.get(name, 0.0) for name in EMOTIONS]


def estimated(probabilities: np.ndarray, card: Card) -> np.ndarray:
    """The shares float (7,) of the emotions among faces, from a model's probabilities (n, 7).

    Raises InputError for fewer than LEAST faces.
    """
    if len(probabilities) < LEAST:
        advice = "give the shares, as --shares even"
        raise InputError("shares", f"{LEAST} faces or more to estimate them from", str(len(probabilities)), advice)
    expected = _expected(card)
    sharp, shares = np.maximum(probabilities.astype(np.float64), 1e-9) ** card.sharpness, expected
    for _ in range(1000):
        weighted = sharp * (shares / expected)
        counts = (weighted / weighted.sum(axis=1, keepdims=True)).sum(axis=0)
        before, shares = shares, (counts + _KNOWN * expected) / (len(sharp) + _KNOWN)
        if np.abs(shares - before).max() < 1e-6:
            break
    return shares


def settled(text: str, card: Card, probabilities: Callable[[], np.ndarray]) -> np.ndarray:
    """The shares float (7,) that a text gives or, for "estimate", those of faces with these probabilities (n, 7)."""
    return estimated(probabilities(), card) if text == ESTIMATE else resolved(text, card)


def adjusted(probabilities: np.ndarray, shares: Sequence[float] | np.ndarray, card: Card) -> np.ndarray:
    """A model's probabilities float32 (n, 7) on faces among which the emotions have some shares (7,)."""
    ratio = np.maximum(shares, _SMALLEST) / _expected(card)
    weighted = probabilities * ratio ** (1 / card.sharpness)
    return (weighted / weighted.sum(axis=1, keepdims=True)).astype(np.float32)


def check_values(shares: Sequence[float] | np.ndarray, card: Card) -> None:
    """Raise InputError unless there are seven shares that sum to 1, and the model's card says what it expects."""
    values = np.asarray(shares, dtype=np.float64)
    if values.shape != (len(EMOTIONS),) or not (values >= 0).all() or not abs(values.sum() - 1) < 0.01:
        raise InputError("shares", f"{len(EMOTIONS)} numbers from 0 to 1 that sum to 1", str(shares)[:80])
    _expected(card)


def in_words(shares: Sequence[float] | np.ndarray) -> str:
    """Shares as the text that ``resolved`` takes, rounded to four decimals."""
    return ",".join(f"{name}={share:.4f}" for name, share in zip(EMOTIONS, shares, strict=True))


def _expected(card: Card) -> np.ndarray:
    """The shares (7,) that a model's card says it expects."""
    if not card.shares:
        advice = f"score it again by facial-emotion train scores {card.name}"
        raise InputError(card.name, "a card with the shares that the model expects", "none", advice)
    expected = np.maximum(card.shares, _SMALLEST)
    return expected / expected.sum()
