"""The app: emotions in pictures and live from the webcam.

    streamlit run app.py

Widgets and drawing only; each page stands in views/, what it shows is computed elsewhere.
"""

from __future__ import annotations

import streamlit as st

from views import about, compare, image, live, why
from views.sidebar import sidebar

st.set_page_config(page_title="Facial emotions", page_icon=":material/sentiment_satisfied:", layout="wide")

PAGES = [
    st.Page(lambda: image.show(sidebar()), title="Image", icon=":material/image:", default=True),
    st.Page(lambda: live.show(sidebar()), title="Live", icon=":material/videocam:", url_path="live"),
    st.Page(lambda: compare.show(sidebar()), title="Compare", icon=":material/leaderboard:", url_path="compare"),
    st.Page(lambda: why.show(sidebar()), title="Why", icon=":material/search_insights:", url_path="why"),
    st.Page(about.show, title="About", icon=":material/info:", url_path="about"),
]
st.navigation(PAGES).run()
