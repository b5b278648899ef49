"""Inference with an exported network: crops -> probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from facial_emotion import artifact
from facial_emotion.records import Card
from facial_emotion.threads import heads_of


def steps(
    card: Card, model: bytes, threads: int, root: Path, providers: Sequence[str]
) -> list[tuple[str, Callable[[Any], Any]]]:
    """The named steps of a recognizer, each of which takes the output of the one before."""
    output = artifact.OUTPUTS[card.labels]
    network = heads_of(model, threads, "crops", output, card.name, providers)
    return [("network", network), ("head", itemgetter(output))]
