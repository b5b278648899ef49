"""The one form of a trained model: a folder with ``model.onnx`` and ``card.json``.

An ensemble has a card alone, which names its members and the SHA-256 of each one's model.

The card says what the model takes, how it was trained, how good it is, under which licence it
stands, and the SHA-256 and size of each file. No pickle is ever read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facial_emotion.errors import InputError
from facial_emotion.features.emotions import EMOTIONS

if TYPE_CHECKING:
    import onnxruntime

CARD, MODEL = "card.json", "model.onnx"
TYPICAL = "typical.npy"  # of a classical model: the median features of Training, float16 (d,)

Card = dict[str, Any]
_FIELDS = {
    "name": str,
    "track": str,
    "input": str,
    "emotions": list,
    "training": dict,
    "threshold": float,  # confidence below which an answer is uncertain
    "metrics": dict,
    "licence": str,
    "files": dict,
}


def write(folder: Path, model: bytes | None, card: Card, others: dict[str, bytes] | None = None) -> None:
    """Put a card, its model, if any, and other files into ``folder``: what is there is replaced when all is whole."""
    files = {**({MODEL: model} if model else {}), **(others or {})}
    prints = {name: _fingerprint(content) for name, content in files.items()}
    card = {"name": folder.name, **card, "emotions": list(EMOTIONS), "files": prints}
    _check_card(folder, card)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        (scratch / CARD).write_text(json.dumps(card, indent=1, allow_nan=False) + "\n")
        scratch.chmod(0o755)
        if folder.exists():
            folder.rename(scratch / "replaced")
        scratch.rename(folder)
        shutil.rmtree(folder / "replaced", ignore_errors=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def read_card(folder: Path) -> Card:
    """The card of an artifact. Raises InputError where it is missing or not whole."""
    path = folder / CARD
    try:
        card = json.loads(path.read_text())
    except OSError as error:
        raise InputError(
            path, "a trained model's card", error.strerror or "nothing", "train it, or check the name"
        ) from error
    except ValueError as error:
        raise InputError(path, "a card in JSON", str(error)) from error
    _check_card(folder, card)
    return card


def read_model(folder: Path, card: Card) -> bytes:
    """The bytes of an artifact's model, whose hash is the card's; an ensemble has none of its own."""
    return read_file(folder, card, MODEL) if MODEL in card["files"] else b""


def read_file(folder: Path, card: Card, name: str) -> bytes:
    """The bytes of one of an artifact's files. Raises InputError where it is not the file that the card lists."""
    path, wanted = folder / name, card["files"].get(name)
    if wanted is None:
        raise InputError(folder / CARD, f"{name} among the files", ", ".join(card["files"]) or "none")
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = "nothing there" if isinstance(error, FileNotFoundError) else error.strerror or "nothing readable"
        raise InputError(path, "a file that the card lists", reason, "get the artifact again") from error
    found = _fingerprint(content)
    if found != wanted:
        advice = "the file is not the one that was trained: get the artifact again"
        raise InputError(path, f"SHA-256 {wanted['sha256'][:12]}…", f"{found['sha256'][:12]}…", advice)
    return content


def size(card: Card) -> int:
    """The bytes that are served: of a model, or of all members of an ensemble."""
    parts = {member["name"]: member["size"] for member in card.get("members", [])}
    return sum(parts.values()) if parts else card["files"][MODEL]["size"]


def session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A model's bytes in ONNX Runtime on so many CPU threads, which sleep when there is nothing to do."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle spinning slows the rest
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _check_card(folder: Path, card: Card) -> None:
    place = folder / CARD
    if not isinstance(card, dict):
        raise InputError(place, "a JSON object", type(card).__name__)
    for field, kind in _FIELDS.items():
        if not isinstance(card.get(field), kind):
            found = type(card[field]).__name__ if field in card else "nothing"
            raise InputError(place, f"{field!r} of type {kind.__name__}", found)
    if card["emotions"] != list(EMOTIONS):
        raise InputError(place, f"the emotions {', '.join(EMOTIONS)}", ", ".join(map(str, card["emotions"])))
    if MODEL not in card["files"] and not card.get("members"):
        raise InputError(place, f"{MODEL!r} among the files", ", ".join(card["files"]) or "none")


def _fingerprint(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
