"""Facial emotion recognition: seven emotions from the faces of a picture.

from facial_emotion import faces_in, table
print(table(faces_in("portrait.jpg")))                     # by the recommended model; places() has the others
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facial_emotion.errors import InputError
    from facial_emotion.features.emotions import EMOTIONS
    from facial_emotion.recognizers import load, names, places
    from facial_emotion.scene import Face, faces_in, table
    from facial_emotion.video.camera import live

# ONNX Runtime reports to its makers, and keeps a device id, unless this is set before it is imported. Here, because
# every process that recognises imports this package first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.2.0"
__all__ = ["EMOTIONS", "Face", "InputError", "__version__", "faces_in", "live", "load", "names", "places", "table"]

# Imported when first asked for, so that importing the package costs next to nothing.
_HOMES = {
    "EMOTIONS": "facial_emotion.features.emotions",
    "Face": "facial_emotion.scene",
    "InputError": "facial_emotion.errors",
    "faces_in": "facial_emotion.scene",
    "live": "facial_emotion.video.camera",
    "load": "facial_emotion.recognizers",
    "names": "facial_emotion.recognizers",
    "places": "facial_emotion.recognizers",
    "table": "facial_emotion.scene",
}


def __dir__() -> list[str]:
    return [*__all__, *globals()]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
