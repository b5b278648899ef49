"""Tables as HTML, which wrap on a narrow screen where Streamlit's own are cut off."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

from facial_emotion.views.language import current, number, t

_BADGE = ' <span class="badge">{}</span>'


def html(frame: pd.DataFrame, formats: Mapping[str, str], explained: Mapping[str, str], badges: str) -> str:
    """A table of a frame's rows, headed by its first column.

    formats: of columns of numbers, as of ``format``; explained: what a heading means, shown on hover; badges: a
    column of texts, separated by commas, that are shown below the row's heading.
    """
    columns = [name for name in frame if name != badges]
    head = "".join(
        f'<th scope="col" title="{escape(t(explained[name]) if name in explained else "")}">{escape(t(name))}</th>'
        for name in columns
    )
    rows = []
    for _, row in frame.iterrows():
        spans = [_BADGE.format(escape(badge)) for badge in row[badges].split(", ") if badge]
        cells = [f'<th scope="row">{escape(str(row[columns[0]]))}{"".join(spans)}</th>']
        for name in columns[1:]:
            shown = "–" if pd.isna(row[name]) else number(row[name], formats.get(name, ""))
            cells.append(f"<td>{escape(shown)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<table class="figures" lang="{current()}">{body}</table>'
