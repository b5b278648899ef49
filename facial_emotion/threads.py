"""How many CPU threads the numerical libraries may use."""

from __future__ import annotations


def limit_threads(count: int) -> None:
    """Hold OpenCV to so many threads in this process; a model's own are set when it is loaded."""
    import cv2

    if cv2.getNumThreads() != count:
        cv2.setNumThreads(count)
