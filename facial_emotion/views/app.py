"""Entry point of the app: its pages and the navigation between them. Streamlit runs this file as a script.

The modules of this package contain widgets and layout only; other packages compute the results.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import streamlit as st

PAGES = {
    "image": ":material/image:",
    "live": ":material/videocam:",
    "compare": ":material/leaderboard:",
    "why": ":material/search_insights:",
    "about": ":material/info:",
}


def page(name: str) -> Callable[[], None]:
    """The function that draws a page. It imports the page's module on first use, so that the app starts fast."""

    def draw_page() -> None:
        from facial_emotion.views.sidebar import sidebar, warm_up

        importlib.import_module(f"facial_emotion.views.{name}").show(sidebar())
        warm_up()

    return draw_page


def draw() -> None:
    """Draw the app."""
    st.set_page_config(page_title="Facial emotions", page_icon=":material/sentiment_satisfied:", layout="wide")
    first = next(iter(PAGES))
    pages = [
        st.Page(page(name), title=name.capitalize(), icon=icon, url_path=name, default=name == first)
        for name, icon in PAGES.items()
    ]
    st.navigation(pages).run()


if __name__ == "__main__":
    draw()
