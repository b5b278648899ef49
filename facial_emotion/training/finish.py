"""The last steps of a training: calibration, check of the export, threshold, scores and cards of each head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from facial_emotion.artifact import OUTPUTS, SUFFIXES, write
from facial_emotion.data.fer2013 import Fer2013, Split
from facial_emotion.evaluation.evaluate import SPLITS, evaluate, targets
from facial_emotion.records import Card, Json
from facial_emotion.training.calibrate import Calibration


@dataclass(frozen=True)
class Exported:
    """An exported model before its calibration.

    heads: keys of OUTPUTS; scores: float (n, heads, 7) of the rows of ``split``; fit: scores (n, 7) and targets (n, 7)
    -> the calibration of a head. assemble: the calibrations -> the complete model, whose outputs are those of the
    heads; run: (model, output, split) -> probabilities float32 (n, 7). check: the calibrations and the probabilities
    (n, heads, 7) on PublicTest -> the parity for the card; it raises InputError where the export is broken.
    card: the fields of the card that only the track knows; training: what its part about the training has besides.
    files: further files of the artifact. split: the rows that calibration is fitted on, which the model must not have
    been fitted on.
    """

    heads: Sequence[str]
    scores: np.ndarray
    fit: Callable[[np.ndarray, np.ndarray], Calibration]
    assemble: Callable[[list[Calibration]], bytes]
    run: Callable[[bytes, str, Split], np.ndarray]
    check: Callable[[list[Calibration], np.ndarray], dict[str, float]]
    card: Json
    training: Json
    files: dict[str, bytes] = field(default_factory=dict)
    split: str = "PublicTest"


def finish(exported: Exported, card: Card, data: Fer2013, out: Path, labels: str | None = None) -> list[Card]:
    """Calibrate and evaluate every head and write the artifact; returns the cards, one for each head.

    The first head's card and the files are written to ``out``; a further head's card to a folder beside it. labels: of
    the one head that gets a card, where it is not all.
    """
    heads = exported.heads
    calibrations = [
        exported.fit(exported.scores[:, index], targets(data, exported.split, head)) for index, head in enumerate(heads)
    ]
    model = exported.assemble(calibrations)
    splits = {name: data.split(name) for name in SPLITS}
    probabilities = [
        {name: exported.run(model, OUTPUTS[head], split) for name, split in splits.items()} for head in heads
    ]
    parity = exported.check(calibrations, np.stack([by_split["PublicTest"] for by_split in probabilities], axis=1))
    cards: list[Card] = []
    for head, by_split in zip(heads, probabilities, strict=True):
        if labels not in (None, head):
            continue
        evaluation = evaluate(data, by_split.__getitem__, head)
        own = replace(card, labels=head, parity=parity, **vars(evaluation))
        if not cards:
            cards.append(write(out, model, own, exported.files))
        else:
            folder = out.with_name(out.name + SUFFIXES[head])
            cards.append(write(folder, None, replace(own, model_of=out.name, files=cards[0].files)))
    return cards
