"""The app: emotions in pictures and live from the webcam.

    streamlit run app.py

Widgets and drawing only; each page stands in views/, what it shows is computed elsewhere.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import streamlit as st

st.set_page_config(page_title="Facial emotions", page_icon=":material/sentiment_satisfied:", layout="wide")

PAGES = {
    "image": ":material/image:",
    "live": ":material/videocam:",
    "compare": ":material/leaderboard:",
    "why": ":material/search_insights:",
    "about": ":material/info:",
}


def shown(name: str) -> Callable[[], None]:
    """What draws a page; its module is imported when it is first opened, so that the app starts fast."""

    def draw() -> None:
        from views.sidebar import sidebar, warm_up

        importlib.import_module(f"views.{name}").show(sidebar())
        warm_up()

    return draw


first = next(iter(PAGES))
st.navigation(
    [
        st.Page(shown(name), title=name.capitalize(), icon=icon, url_path=name, default=name == first)
        for name, icon in PAGES.items()
    ]
).run()
