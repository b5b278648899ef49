"""The one form of a trained model: a folder with ``model.onnx`` and ``card.json``.

An ensemble has a card alone, which names its members and the SHA-256 of each one's model.

The card says what the model takes, how it was trained, how good it is, under which licence it
stands, and the SHA-256 and size of each file. No pickle is ever read.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from facial_emotion import limits, paths
from facial_emotion.errors import InputError, OutputError
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import NEVER, Card, FileInfo, parse, read_json, to_json

CARD, MODEL = "card.json", "model.onnx"
# The output of a model that has a head for these labels (see ``records.Card``).
OUTPUTS = {"fer2013": "probabilities", "people": "probabilities of people"}
# What the name of a recognizer ends in that answers with these labels.
SUFFIXES = {"fer2013": "", "people": "-ferplus", "balanced": "-balanced"}
_JUDGED = ("PublicTest", "PrivateTest")
TYPICAL = "typical.npy"  # of a classical model: the median features of Training, float16 (d,)


def write(folder: Path, model: bytes | None, card: Card, others: dict[str, bytes] | None = None) -> Card:
    """Put a card, its model, if any, and other files into ``folder``; the card with their hashes.

    Without a model the card is that of an ensemble, or of a head whose files another artifact has (``model_of``).
    What was there is replaced when everything is written. Raises OutputError where it can't be, and InputError for a
    folder of the installed package.
    """
    files = {**({MODEL: model} if model else {}), **(others or {})}
    hashes = {name: _file_info(content) for name, content in files.items()}
    card = replace(card, name=folder.name, emotions=list(EMOTIONS), files=hashes or card.files)
    check_not_installed(folder)
    _check(folder, card)
    text = json.dumps(to_json(card), indent=1, allow_nan=False) + "\n"
    scratch: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        (scratch / CARD).write_text(text)
        scratch.chmod(0o755)
        if folder.exists():
            folder.rename(scratch / "replaced")
        scratch.rename(folder)
        shutil.rmtree(folder / "replaced", ignore_errors=True)
    except OSError as error:
        raise OutputError(folder, "room for an artifact", error.strerror or str(error)) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return card


def write_card(folder: Path, card: Card) -> None:
    """Replace an artifact's card at once; its files stay. Raises OutputError where that can't be done."""
    check_not_installed(folder)
    _check(folder, card)
    try:
        with paths.replacing(folder / CARD) as scratch:
            scratch.write_text(json.dumps(to_json(card), indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise OutputError(folder / CARD, "room for a card", error.strerror or str(error)) from error


def read_card(folder: Path) -> Card:
    """The card of an artifact, not to be changed. Raises InputError where it is missing or incomplete."""
    path = folder / CARD
    try:
        state = path.stat()
        card = _card(path, state.st_ino, state.st_mtime_ns, state.st_size)
    except OSError as error:
        advice = "train it, or check the name"
        raise InputError(path, "a trained model's card", error.strerror or "nothing", advice) from error
    _check(folder, card)
    for scores in (card.metrics, card.people) if card.people else (card.metrics,):
        missing = [split for split in _JUDGED if split not in scores]
        if missing:
            raise InputError(path, f"scores on {' and '.join(_JUDGED)}", f"none on {missing[0]}", "evaluate it anew")
    return card


@functools.lru_cache(maxsize=64)
def _card(path: Path, *state: int) -> Card:
    """A card as it was in this state of its file: the app asks for all cards at every click."""
    return parse(Card, read_json(path, "a card in JSON"), path)


def read_model(folder: Path, card: Card) -> bytes:
    """The bytes of an artifact's model, whose hash is the card's; an ensemble has none of its own."""
    return read_file(folder, card, MODEL) if MODEL in card.files else b""


def read_file(folder: Path, card: Card, name: str) -> bytes:
    """The bytes of one of an artifact's files. Raises InputError where it is not the file that the card lists."""
    path, wanted = (folder.parent / card.model_of if card.model_of else folder) / name, card.files.get(name)
    if wanted is None:
        raise InputError(folder / CARD, f"{name} among the files", ", ".join(card.files) or "none")
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = "nothing there" if isinstance(error, FileNotFoundError) else error.strerror or "nothing readable"
        raise InputError(path, "a file that the card lists", reason, "get the artifact again") from error
    actual = _file_info(content)
    if actual != wanted:
        advice = "the file is not the one that was trained: get the artifact again"
        raise InputError(path, f"SHA-256 {wanted.sha256[:12]}…", f"{actual.sha256[:12]}…", advice)
    return content


def size(card: Card) -> int:
    """The bytes that are served: of a model, or of all members of an ensemble."""
    parts = {member.sha256: member.size for member in card.members}  # two heads of one model are one file
    return sum(parts.values()) if parts else card.files[MODEL].size


def check_not_installed(folder: Path) -> None:
    """Raise InputError for a folder of the installed package, which no command changes."""
    if paths.is_installed(folder):
        raise InputError(
            folder,
            "a folder of your own",
            "the installed package's",
            "name one by FER_ARTIFACTS or, where there is that, --out",
        )


def check_free(folder: Path, overwrite: bool, heads: Sequence[str] = ()) -> None:
    """Raise InputError, before a training that may take hours, where a model is that was not meant to be replaced.

    heads: labels of the model's heads; the folders of all but the first stand beside the first's.
    """
    for place in (folder, *(folder.with_name(folder.name + SUFFIXES[head]) for head in heads[1:])):
        check_not_installed(place)
        if (place / CARD).exists() and not overwrite:
            advice = "choose another --out, or replace it with --overwrite"
            raise InputError(place, "no trained model yet", f"the model {place.name}", advice)


def _check(folder: Path, card: Card) -> None:
    place = folder / CARD
    if card.emotions != list(EMOTIONS):
        raise InputError(place, f"the emotions {', '.join(EMOTIONS)}", ", ".join(card.emotions))
    possible = SUFFIXES if card.members else OUTPUTS  # a model has no output of its own for a mix of its heads
    if card.labels not in possible:
        raise InputError(place, f"labels {' or '.join(possible)}", repr(card.labels))
    if len(card.offsets) not in (0, len(EMOTIONS)):
        raise InputError(place, f"{len(EMOTIONS)} offsets, or none", str(len(card.offsets)))
    whole = len(card.shares) == len(EMOTIONS) and min(card.shares) >= 0 and abs(sum(card.shares) - 1) < 0.01
    if card.shares and not whole:
        raise InputError(place, f"{len(EMOTIONS)} shares of emotions that sum to 1, or none", str(card.shares)[:80])
    if not 0 <= card.threshold <= NEVER:
        raise InputError(place, "a threshold from 0 to 1", str(card.threshold))
    for name in (*card.files, *(member.name for member in card.members), *([card.model_of] if card.model_of else ())):
        if Path(name).name != name or name.startswith(".") or not name.isprintable():
            raise InputError(place, "plain names of files and artifacts", repr(name))
    if len(card.members) > limits.MEMBERS:
        raise InputError(place, f"at most {limits.MEMBERS} members", str(len(card.members)))
    if MODEL not in card.files and not card.members:
        raise InputError(place, f"{MODEL!r} among the files", ", ".join(card.files) or "none")


def _file_info(content: bytes) -> FileInfo:
    return FileInfo(hashlib.sha256(content).hexdigest(), len(content))
