"""CPU thread limits of the numerical libraries."""

from __future__ import annotations


def limit_threads(count: int) -> None:
    """Limit OpenCV to ``count`` threads in this process; a model's own threads are set when it is loaded."""
    import cv2

    if cv2.getNumThreads() != count:
        cv2.setNumThreads(count)
