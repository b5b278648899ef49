"""Download buttons, and what they download."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import streamlit as st

from facial_emotion.views.language import here


def button(label: str, content: str | bytes | Callable[[], bytes], file: str, kind: str) -> None:
    """Draw a button that downloads a file; kind: its MIME type. A content that is a function is made on a click."""
    content = here(content) if callable(content) else content  # it is called outside of the session
    st.download_button(label, content, file, kind, key=label, on_click="ignore", icon=":material/download:")


def to_png(rgb: np.ndarray) -> bytes:
    """A picture, uint8 RGB (h, w, 3), encoded as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
