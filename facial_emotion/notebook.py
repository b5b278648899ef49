"""What a notebook shows of a face and of a model: HTML without scripts or files."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping

import cv2
import numpy as np

_BAR = 120  # pixels of a probability of 1
_CROP = 96  # pixels of a crop's side


def html_of_face(crop: np.ndarray, title: str, probabilities: Mapping[str, float]) -> str:
    """A face's crop, grey uint8 (48, 48), beside its title and a bar for each emotion."""
    picture = base64.b64encode(cv2.imencode(".png", crop)[1].tobytes()).decode()
    bars = "".join(
        f"<tr><td>{name}</td><td><div style='background:#4c78a8;height:0.8em;width:{_BAR * share:.0f}px'></div></td>"
        f"<td>{share:.0%}</td></tr>"
        for name, share in probabilities.items()
    )
    image = f"<img alt='the crop' width='{_CROP}' height='{_CROP}' src='data:image/png;base64,{picture}'>"
    return f"<div style='display:flex;gap:1em'>{image}<div><b>{html.escape(title)}</b><table>{bars}</table></div></div>"


def html_of_values(title: str, values: Mapping[str, object]) -> str:
    """A title above a table of names and values."""
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>" for name, value in values.items()
    )
    return f"<b>{html.escape(title)}</b><table>{rows}</table>"
