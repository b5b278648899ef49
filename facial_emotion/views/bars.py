"""Bars of a face's probabilities as HTML: one element for a face, where a chart each would be slow for a crowd."""

from __future__ import annotations

import numpy as np

from facial_emotion.drawing import HEX
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.views.language import t

_ROW = (
    '<div style="display:grid;grid-template-columns:5.5em 1fr 3em;gap:.4em;align-items:center;line-height:1.5">'
    "<span>{name}</span>"
    '<span style="background:{colour};width:{percent:.1f}%;height:.8em;border-radius:2px"></span>'
    '<span style="text-align:right;font-variant-numeric:tabular-nums">{percent:.0f}%</span></div>'
)


def stacked(probabilities: np.ndarray) -> str:
    """A bar of probabilities (7,), in which each emotion has its share and its colour."""
    parts = "".join(
        f'<span title="{t(name)} {share:.0%}" style="background:{HEX[name]};width:{share:.1%}"></span>'
        for name, share in zip(EMOTIONS, map(float, probabilities), strict=True)
    )
    return f'<div style="display:flex;height:.9em;border-radius:2px;overflow:hidden">{parts}</div>'


def html(probabilities: np.ndarray, count: int | None = None) -> str:
    """The bars of probabilities (7,): all in the order of EMOTIONS, or the ``count`` largest, the largest first."""
    order = range(len(EMOTIONS)) if count is None else np.argsort(-probabilities)[:count]
    rows = []
    for index in order:
        percent = 100 * float(probabilities[index])
        name = EMOTIONS[index]
        rows.append(_ROW.format(name=t(name), colour=HEX[name], percent=percent))
    return f'<div style="font-size:.875rem">{"".join(rows)}</div>'
