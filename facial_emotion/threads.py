"""CPU threads: the limit of this process, and ONNX Runtime sessions."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime

# An entry "location" of a tensor's external data, as protobuf writes it.
_EXTERNAL_DATA = b"\n\x08location\x12"
CPU = ("CPUExecutionProvider",)
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


def usable_cores() -> int:
    """The processor cores that this process may use: those of its affinity, and no more than its cgroup's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _quota(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")))))


def _quota(mount: Path, membership: Path) -> float:
    """The cores that the least quota of a process's cgroups allows (cgroup v2, "0::/path"); infinite without one."""
    quotas = [math.inf]
    with contextlib.suppress(OSError, StopIteration):
        lines = membership.read_text().splitlines()
        path = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
        for group in (mount / path, *(mount / path).parents):
            if group.is_relative_to(mount) and (group / "cpu.max").exists():
                quota, period = (group / "cpu.max").read_text().split()
                quotas.append(math.inf if quota == "max" else float(quota) / float(period))
    return min(quotas)


def share_processor() -> None:
    """Let the threads of sessions that are made from now on sleep whenever they wait: for programs with many users.

    Otherwise they wait actively while a model runs: faster, but much slower where several run at a time.
    """
    global _shared
    _shared = True


def onnx_session(
    model: bytes, threads: int, place: object = "model", providers: Sequence[str] = CPU
) -> onnxruntime.InferenceSession:
    """A model's bytes in ONNX Runtime on so many CPU threads, which sleep when there is nothing to do.

    Raises InputError, which names the place, for bytes that are no model, for one with data in other files, which
    nobody hashed, and for providers that are not there or don't start.
    """
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if missing := [provider for provider in providers if provider not in available]:
        advice = "install the onnxruntime package of that provider instead of onnxruntime"
        raise InputError("providers", f"some of {', '.join(available)}", ", ".join(missing), advice)
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
        session = onnxruntime.InferenceSession(model, options, providers=list(providers))
    except Exception as error:  # ONNX Runtime's errors have many types
        raise InputError(place, "an ONNX model", str(error)[:200], "get the artifact again") from error
    if idle := [provider for provider in providers if provider not in session.get_providers()]:
        raise InputError("providers", f"{', '.join(idle)} to start", "drivers or a device missing")
    return session


@dataclass(frozen=True, eq=False)
class Heads:
    """A model with an output for each of its heads."""

    session: onnxruntime.InferenceSession
    takes: str
    gives: list[str]

    def __call__(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs by name: one alone would take as long."""
        return dict(zip(self.gives, self.session.run(self.gives, {self.takes: values}), strict=True))


# By SHA-256, threads and providers: two heads of one model share it, and an ensemble of both runs it once.
_heads = weakref.WeakValueDictionary[tuple[object, ...], Heads]()


def heads_of(
    model: bytes, threads: int, takes: str, gives: str, place: object, providers: Sequence[str] = CPU
) -> Heads:
    """A model's heads. takes, gives: the names of the only input and of an output that it must have.

    Raises InputError for another model, and as ``onnx_session`` does.
    """
    key = hashlib.sha256(model).hexdigest(), threads, *providers
    heads = _heads.get(key)
    if heads is None:
        session = onnx_session(model, threads, place, providers)
        inputs, outputs = ([value.name for value in some] for some in (session.get_inputs(), session.get_outputs()))
        heads = _heads[key] = Heads(session, ", ".join(inputs), outputs)
    if heads.takes != takes or gives not in heads.gives:
        found = f"{heads.takes} to {', '.join(heads.gives)}"
        raise InputError(place, f"an ONNX model from {takes!r} to {gives!r}", found)
    return heads
