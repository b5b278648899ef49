"""Whether the viewer's browser has a camera that this page may use, and what to do where it has not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from facial_emotion.views.language import t, translatable

_TRIES = "camera_tries"  # in the session: how many times the viewer tried again
# By the states that camera.js tells.
_PROBLEMS = {
    "none": translatable(
        "This device has no camera, or another program has taken it. Connect one, or close that program."
    ),
    "denied": translatable(
        "The browser may not use the camera on this page. Allow it by the sign beside the page's address."
    ),
    "insecure": translatable(
        "Browsers give the camera to pages of this computer or over HTTPS only, and this page came over plain HTTP "
        "from another computer. Whoever runs it can put it behind HTTPS."
    ),
}


def ready() -> bool:
    """Whether there is a camera, as far as is known; where not, it draws why, and a way to try again."""
    tries = st.session_state.get(_TRIES, 0)
    state = _component()(key=f"camera_state{tries}", on_state_change=lambda: None, default={"state": ""}).state
    if state not in _PROBLEMS:
        return True
    st.warning(t(_PROBLEMS[state]), icon=":material/videocam_off:")
    st.button(
        t("Try again"),
        key="camera_again",
        icon=":material/refresh:",
        on_click=lambda: st.session_state.update({_TRIES: tries + 1}),
    )
    return False


@st.cache_resource(show_spinner=False)
def _component() -> Callable[..., Any]:
    """A component without a look, see camera.js."""
    js = (Path(__file__).parent / "camera.js").read_text(encoding="utf-8")
    return st.components.v2.component("facial_emotion_camera", js=js)
