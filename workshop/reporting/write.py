"""Figures into Markdown: the report, and a card beside each model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facial_emotion.features.emotions import EMOTIONS

TEMPLATES = Path(__file__).parent


def percent(share: float | None, places: int = 1) -> str:
    """A share as a percentage; of nothing, a dash."""
    return "-" if share is None else f"{100 * share:.{places}f} %"


def number(value: float, places: int) -> str:
    """A number with so many places."""
    return f"{value:.{places}f}"


def interval(ends: list[float], places: int = 1) -> str:
    """Two ends: in percent up to one place, as they are from there on."""
    scale = 100 if places < 2 else 1
    return " - ".join(f"{scale * end:.{places}f}" for end in ends)


FILTERS = {
    "percent": percent,
    "number": number,
    "interval": interval,
    "ms": lambda milliseconds: f"{milliseconds:.1f} ms",
    "thousands": lambda count: f"{count:,}",
}


def render(template: str, **fields: Any) -> str:
    """A template with its fields. A field that is not there is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= FILTERS
    return environment.get_template(template).render(emotions=EMOTIONS, **fields)
