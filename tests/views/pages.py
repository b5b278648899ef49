"""The app's pages without a browser, and what is given to them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from facial_emotion import examples

ROOT = Path(__file__).parent.parent.parent
PAGES = ("image", "live", "video", "compare", "why", "about")
SCRIPT = """
from facial_emotion.views import {0} as page
from facial_emotion.views.sidebar import sidebar
page.show(sidebar())
"""


def page(name: str, run: bool = True) -> AppTest:
    at = AppTest.from_string(SCRIPT.format(name), default_timeout=120)
    return at.run() if run else at


def encoded(rgb: np.ndarray, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, form)
    return stream.getvalue()


def pills(at: AppTest, label: str) -> Any:
    """The first choice of pills with a label."""
    return next(each for each in at.button_group if each.label == label)


def text(at: AppTest) -> str:
    """All text on a page but titles and tables."""
    return "\n".join(element.value for element in [*at.markdown, *at.warning, *at.error, *at.info, *at.caption])


def invalid_files() -> dict[str, bytes]:
    """Contents by name: empty, text, truncated, a decompression bomb, and SVG."""
    portrait = examples.portrait()
    jpeg = encoded(portrait, "JPEG")
    bomb = io.BytesIO()
    Image.new("L", (20_000, 20_000)).save(bomb, "PNG")
    return {
        "empty.jpg": b"",
        "text.jpg": b"not a picture",
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "bomb.png": bomb.getvalue(),
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
