"""CPU threads: the limit of this process, and ONNX Runtime sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    import onnxruntime

# An entry "location" of a tensor's external data, as protobuf writes it.
_EXTERNAL_DATA = b"\n\x08location\x12"
_limit = 2  # threads of the face detector, where nothing else was asked for
_shared = False  # whether other threads want the processor while a model runs


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


def share_processor() -> None:
    """Let the threads of sessions that are made from now on sleep whenever they wait: for programs with many users.

    Otherwise they wait actively while a model runs: faster, but much slower where several run at a time.
    """
    global _shared
    _shared = True


def processor_is_shared() -> bool:
    """Whether ``share_processor`` was called."""
    return _shared


def onnx_session(
    model: bytes, threads: int, takes: str = "", gives: str = "", place: object = "model"
) -> onnxruntime.InferenceSession:
    """A model's bytes in ONNX Runtime on so many CPU threads, which sleep when there is nothing to do.

    takes, gives: the names of the input and of an output that it must have. Raises InputError, which names the place,
    for bytes that are no such model, and for one with data in other files, which nobody hashed.
    """
    import onnxruntime

    if _EXTERNAL_DATA in model:
        raise InputError(place, "a model with its data in it", "data in another file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if _shared:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    else:  # active waiting ends with each run: else it slows the rest
        options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have many types
        raise InputError(place, "an ONNX model", str(error)[:200], "get the artifact again") from error
    inputs, outputs = ([value.name for value in values] for values in (session.get_inputs(), session.get_outputs()))
    if takes and (inputs != [takes] or gives not in outputs):
        found = f"{', '.join(inputs)} to {', '.join(outputs)}"
        raise InputError(place, f"an ONNX model from {takes!r} to {gives!r}", found)
    return session
