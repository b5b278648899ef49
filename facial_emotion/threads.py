"""CPU threads: the limit of this process, and ONNX Runtime sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

_limit = 2  # threads of the face detector, where nothing else was asked for


def limit_threads(count: int) -> None:
    """Limit OpenCV and the face detector to ``count`` threads; a model's own threads are set when it is loaded."""
    global _limit
    import cv2

    _limit = count
    if cv2.getNumThreads() != count:
        cv2.setNumThreads(count)


def thread_limit() -> int:
    """The limit that ``limit_threads`` set, 2 by default."""
    return _limit


def onnx_session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A model's bytes in ONNX Runtime on so many CPU threads, which sleep when there is nothing to do."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle spinning slows the rest
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
