"""Entry point of the app: its pages and the navigation between them. Streamlit runs this file as a script.

The modules of this package contain widgets and layout only; other packages compute the results.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import streamlit as st
from streamlit import net_util

from facial_emotion.errors import Error
from facial_emotion.memory import return_memory
from facial_emotion.threads import share_processor
from facial_emotion.views import pictures
from facial_emotion.views.language import t, translatable
from facial_emotion.views.sidebar import sidebar, warm_up

_FOLDER = Path(__file__).parent
# By the names of their modules: title and icon.
PAGES = {
    "image": (translatable("Image"), ":material/image:"),
    "live": (translatable("Live"), ":material/videocam:"),
    "video": (translatable("Video"), ":material/movie:"),
    "compare": (translatable("Compare"), ":material/leaderboard:"),
    "why": (translatable("Why"), ":material/search_insights:"),
    "about": (translatable("About"), ":material/info:"),
}


def page(name: str) -> st.Page:
    """A page, a key of PAGES. Its module is imported on first use, so that the app starts fast."""

    def draw_page() -> None:
        pictures.listen()
        if name != "video" and st.session_state.get(pictures.VIDEOS):  # given among pictures
            st.switch_page(page("video"))
        try:
            importlib.import_module(f"facial_emotion.views.{name}").show(sidebar())
        except Error as error:  # as of a model that can't be read
            st.error(str(error))
        warm_up()

    title, icon = PAGES[name]
    return st.Page(draw_page, title=t(title), icon=icon, url_path=name, default=name == next(iter(PAGES)))


def ask_no_host() -> None:
    """Keep Streamlit from asking other hosts for this machine's addresses, where a page of another origin connects."""
    net_util._external_ip = net_util._internal_ip = ""  # as if it had asked


def draw() -> None:
    """Draw the app."""
    ask_no_host()
    return_memory()
    share_processor()  # with other visitors, and with the coding of their video
    st.set_page_config(page_title=t("Facial emotions"), page_icon=str(_FOLDER / "icon.svg"), layout="wide")
    st.html(_FOLDER / "style.css")
    st.navigation([page(name) for name in PAGES]).run()


if __name__ == "__main__":
    draw()
