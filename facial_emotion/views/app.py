"""Entry point of the app: its pages and the navigation between them. Streamlit runs this file as a script.

The modules of this package contain widgets and layout only; other packages compute the results.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent
PAGES = {
    "image": ":material/image:",
    "live": ":material/videocam:",
    "video": ":material/movie:",
    "compare": ":material/leaderboard:",
    "why": ":material/search_insights:",
    "about": ":material/info:",
}


def page(name: str) -> st.Page:
    """A page, a key of PAGES. Its module is imported on first use, so that the app starts fast."""

    def draw_page() -> None:
        from facial_emotion.views.sidebar import sidebar, warm_up

        importlib.import_module(f"facial_emotion.views.{name}").show(sidebar())
        warm_up()

    first = name == next(iter(PAGES))
    return st.Page(draw_page, title=name.capitalize(), icon=PAGES[name], url_path=name, default=first)


def draw() -> None:
    """Draw the app."""
    st.set_page_config(page_title="Facial emotions", page_icon=str(_FOLDER / "icon.svg"), layout="wide")
    st.html(_FOLDER / "style.css")
    st.navigation([page(name) for name in PAGES]).run()


if __name__ == "__main__":
    draw()
