"""Trained models by name: the only way that anything gets one.

from facial_emotion import recognizers
recognizer = recognizers.load("lightgbm")
probabilities = recognizer.predict_proba(crops)    # (n, 7), in the order of features.emotions.EMOTIONS
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facial_emotion import artifact, notebook, paths
from facial_emotion.errors import InputError
from facial_emotion.features.crops import check_crops
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.records import Card, Member
from facial_emotion.shares import adjusted, check_values
from facial_emotion.terminal import bar
from facial_emotion.threads import CPU

# How a track's model turns crops into probabilities: the module with its ``steps``.
TRACKS = {
    "classical": "facial_emotion.classical.inference",
    "deep": "facial_emotion.deep.inference",
    "ensemble": "facial_emotion.ensemble",
}
DEFAULT = "cnn-ferplus"  # the recommended model: of the fast ones, right most often by people's choice
GOOD = 0.02  # accuracy below the best model's on PublicTest within which a model may be the default
KEPT = 48  # loaded models that are kept at most: more than are shipped and one's own, as an app may use all
_REPORTED = "PrivateTest"  # the split that a model's description names
_CHUNK = 256  # crops that are worked on at once: bounds the memory that a large batch takes

Step = Callable[[Any], Any]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Recognizer:
    """A trained model. Its steps turn crops into probabilities; each may be timed alone. Safe in several threads.

    It can be pickled: it is loaded again from its folder, with as many threads, where it is unpickled.
    """

    name: str
    card: Card
    steps: Sequence[tuple[str, Step]]
    folder: Path = Path()  # its artifact
    threads: int = 2
    shares: tuple[float, ...] = ()  # of the emotions, where they are others than the model expects: see shares.py
    providers: tuple[str, ...] = CPU  # of ONNX Runtime, on which it runs

    def __reduce__(self) -> tuple[Callable[..., Recognizer], tuple[object, ...]]:
        return _reload, (self.name, self.threads, self.folder.parent, self.shares, self.providers)

    def __repr__(self) -> str:
        return f"<Recognizer {self.name}: {', '.join(f'{name} {value}' for name, value in self._facts().items())}>"

    def _repr_html_(self) -> str:
        return notebook.html_of_values(self.name, {**self._facts(), "folder": self.folder})

    def _facts(self) -> dict[str, str]:
        """What a reader wants to know first, by name."""
        return {
            "labels": self.card.labels,
            f"accuracy on {_REPORTED}": f"{self.card.own(_REPORTED).accuracy:.1%}",
            "threshold": f"{self.threshold:.2f}",
            "threads": str(self.threads),
        }

    def with_shares(self, shares: Sequence[float] | np.ndarray) -> Recognizer:
        """The same model for faces among which the seven emotions have these shares (see ``shares``); none: as it is.

        Raises InputError for other numbers, and for a model whose card does not say what it expects.
        """
        if len(shares):
            check_values(shares, self.card)
        return replace(self, shares=tuple(map(float, shares)))

    @property
    def threshold(self) -> float:
        """The confidence below which an answer is uncertain."""
        return self.card.threshold

    @property
    def classes_(self) -> np.ndarray:
        """The emotions in the order of the probabilities' columns, as scikit-learn's classifiers have them."""
        return np.array(EMOTIONS)

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """The most probable emotion of each crop, str (n,); crops and errors as of ``predict_proba``."""
        return self.classes_[self.predict_proba(crops).argmax(axis=1)]

    def predict_proba(self, crops: np.ndarray) -> np.ndarray:
        """Probabilities of the seven emotions: crops uint8 (n, 48, 48) -> float32 (n, 7), rows sum to 1.

        Raises InputError for anything but a batch of crops. An empty batch gives (0, 7).
        """
        check_crops(crops)
        parts = [self._run(crops[start : start + _CHUNK]) for start in range(0, len(crops), _CHUNK)]
        answers = np.concatenate(parts) if parts else np.zeros((0, len(EMOTIONS)), dtype=np.float32)
        return adjusted(answers, self.shares, self.card) if self.shares else answers

    def _run(self, value: Any) -> Any:
        for _, step in self.steps:
            value = step(value)
        return value


# Loaded models by folder, name, state of the card's file, and threads, the last used last: an app's sessions, a
# server's requests and an ensemble's members share them.
_loaded: OrderedDict[tuple[object, ...], Recognizer] = OrderedDict()
_loading = threading.RLock()  # an ensemble loads its members while it is being loaded


def places(root: Path | None = None) -> dict[str, Path]:
    """The folders of all trained models by name, sorted: those with a card in them. Hidden folders don't count.

    They are looked for in ``paths.ARTIFACTS``, your own before those of the package, or in ``root`` alone; of two with
    one name the first counts.
    """
    found: dict[str, Path] = {}
    for folder in (root,) if root else paths.ARTIFACTS:
        with suppress(OSError):  # of a folder that this user may not read
            for path in folder.glob(f"*/{artifact.CARD}"):
                if not path.parent.name.startswith("."):
                    found.setdefault(path.parent.name, path.parent.absolute())
    return dict(sorted(found.items()))


def names(root: Path | None = None) -> list[str]:
    """The names of all trained models, sorted; ``places`` says where they are."""
    return list(places(root))


def folder_of(name: str, root: Path | None = None) -> Path:
    """The folder that has a trained model, by its name, in ``places``. Raises InputError for an unknown one."""
    plain = Path(name).name == name and not name.startswith(".")  # nothing that leads elsewhere
    for folder in (root,) if root else paths.ARTIFACTS:
        with suppress(OSError):
            if plain and (folder / name / artifact.CARD).is_file():
                return folder.absolute()
    raise InputError("model", f"one of {', '.join(names(root)) or 'none: nothing is trained yet'}", repr(name))


def folder_of_member(member: Member, root: Path) -> Path | None:
    """The folder with the very model that an ensemble in ``root`` means, by its hash; None where it is in no place."""
    for folder in (root, *paths.ARTIFACTS):
        with suppress(InputError):
            file = artifact.read_card(folder / member.name).files.get(artifact.MODEL)
            if file and file.sha256 == member.sha256:
                return folder
    return None


def card(name: str, root: Path | None = None) -> Card:
    """A model's card, without loading the model."""
    return artifact.read_card(folder_of(name, root) / name)


def fingerprint(name: str, root: Path | None = None) -> str:
    """SHA-256, in hexadecimal, of all that a model's answers depend on: its files or members, and its threshold."""
    own = card(name, root)
    parts = {file: info.sha256 for file, info in own.files.items()}
    members = [(member.name, member.mirrored, member.weight, member.sha256) for member in own.members]
    text = repr((sorted(parts.items()), members, own.labels, own.threshold, own.features, own.offsets))
    return hashlib.sha256(text.encode()).hexdigest()


def with_labels(name: str, labels: str, root: Path | None = None) -> str:
    """The recognizer of the same name that answers with other labels: "cnn" and "people" give "cnn-ferplus".

    Raises InputError where there is none.
    """
    own = card(name, root).labels
    if own == labels:
        return name
    other = name.removesuffix(artifact.SUFFIXES[own]) + artifact.SUFFIXES[labels]
    if other not in names(root) or card(other, root).labels != labels:
        able = [model for model in names(root) if card(model, root).labels == labels]
        advice = f"models with {labels}: {', '.join(able) or 'none'}"
        raise InputError("labels", f"{own}, which {name} answers with", repr(labels), advice)
    return other


def fastest_good(among: list[str], milliseconds: dict[str, float]) -> str:
    """The fastest of the good models: on PublicTest within two points of the best. One that is not timed is slowest.

    The accuracy is that of people's choice, for models that were judged by it, if there is any, and else by FER2013.
    """
    cards = {name: card(name) for name in among}
    by_people = {name: card.people["PublicTest"].choice.accuracy for name, card in cards.items() if card.people}
    accuracy = by_people or {name: card.metrics["PublicTest"].accuracy for name, card in cards.items()}
    good = [name for name in accuracy if accuracy[name] >= max(accuracy.values()) - GOOD]
    return min(good, key=lambda name: milliseconds.get(name, float("inf")))


def default(among: list[str], milliseconds: dict[str, float]) -> str:
    """The model to take where nobody chose one: the recommended one or, where it is not there, the fastest good one."""
    return DEFAULT if DEFAULT in among else fastest_good(among, milliseconds)


def load(name: str = DEFAULT, threads: int = 2, root: Path | None = None, providers: Sequence[str] = CPU) -> Recognizer:
    """A trained model, by default the recommended one, ready to recognise on ``threads`` CPU threads.

    providers: ONNX Runtime's, the first that can do a part does it: ["CUDAExecutionProvider", "CPUExecutionProvider"];
    landmarks, descriptors and the face detector are computed on the CPU. A model is kept until its card changes, so
    that loading it again is cheap.
    Raises InputError for an unknown name, an incomplete card, a file that is not the card's, or a missing provider.
    """
    if isinstance(providers, str) or not all(isinstance(provider, str) for provider in providers):
        raise InputError("providers", "a list of names, as ['CPUExecutionProvider']", repr(providers))
    root = folder_of(name, root)
    status = (root / name / artifact.CARD).stat()  # reading the card would cost more than recognising a face
    key = (root.resolve(), name, status.st_ino, status.st_mtime_ns, status.st_size, threads, *providers)
    with _loading:
        if key not in _loaded:
            start = time.perf_counter()
            own = card(name, root)
            model = artifact.read_model(root / name, own)
            own_steps = steps(own, model, threads, root, providers)
            _loaded[key] = Recognizer(name, own, own_steps, root / name, threads, (), tuple(providers))
            if name in names(paths.SHIPPED) and paths.is_own(name) and root == folder_of(name):
                _log.warning("%s is that of %s, not the one that is shipped", name, root)
            _log.debug("loaded %s from %s in %.0f ms", name, root, 1000 * (time.perf_counter() - start))
            while len(_loaded) > KEPT:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        return _loaded[key]


def _reload(
    name: str, threads: int, root: Path, shares: tuple[float, ...], providers: tuple[str, ...] = CPU
) -> Recognizer:
    return load(name, threads, root, providers).with_shares(shares)


def steps(
    card: Card, model: bytes, threads: int = 2, root: Path | None = None, providers: Sequence[str] = CPU
) -> list[tuple[str, Step]]:
    """The steps from crops to probabilities, as the card's track does them. root: where an ensemble's members are first
    looked for.
    """
    if card.track not in TRACKS:
        raise InputError(f"{card.name}'s card", f"track {', '.join(TRACKS)}", repr(card.track))
    return importlib.import_module(TRACKS[card.track]).steps(card, model, threads, root or paths.SHIPPED, providers)


def predict(recognizer: Recognizer, crops: np.ndarray, doing: str) -> np.ndarray:
    """Probabilities float32 (n, 7) of many crops, with a progress bar that says what is being done."""

    parts = np.array_split(crops, max(1, len(crops) // 128))
    found = []
    with bar(doing, len(parts)) as step:
        for part in parts:
            found.append(recognizer.predict_proba(part))
            step()
    return np.concatenate(found)


def log_of(probabilities: np.ndarray) -> np.ndarray:
    """Log-probabilities, float64, held off minus infinity: what an ensemble pools."""
    return np.log(np.maximum(probabilities.astype(np.float64), 1e-6))
