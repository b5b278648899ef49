"""Other packages and ours on the same rows, each package in an environment of its own.

    python -m workshop benchmark peers --data fer2013.csv.xz --out artifacts/report/peers.json

Each is asked twice: its network is fed the crops, and its own API is given pictures in which it finds the faces itself.
REPORT.md shows the file's figures.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import facial_emotion
from facial_emotion import paths, recognizers, terminal
from facial_emotion.errors import InputError
from facial_emotion.evaluation.results import host
from facial_emotion.evaluation.scores import accuracy_interval, mean_recall
from facial_emotion.records import Json
from workshop.benchmarks.framing import laid_into_picture

if TYPE_CHECKING:
    from rich.table import Table

    from facial_emotion.data.fer2013 import Fer2013
    from facial_emotion.recognizers import Recognizer

SPLIT = "PrivateTest"
# Width and height of the pictures (px) and the enlargement of the crop in their middle. In smaller pictures, and in
# closer ones, the detectors of the other packages find fewer.
FRAME, SCALE = (640, 480), 3
# One line here compares with another package: what to install in turn, and the script that is run there. It reads crops
# uint8 (n, 48, 48) and pictures uint8 (n, 480, 640), each from a .npy, and writes JSON: {"version", "model", "crops":
# {"median_ms", "probabilities": (n, 7), in the order of EMOTIONS}, "pictures": the same, null where no face was found}.
PEERS: dict[str, Json] = {
    "fer": {
        # Without its dependencies: they bring PyTorch, moviepy and a second OpenCV, which its default doesn't use. It
        # imports pkg_resources, which newer versions of setuptools are without.
        "install": [
            [
                "tensorflow==2.21.0",
                "opencv-python-headless==4.14.0.94",
                "setuptools==80.9.0",
                "requests==2.34.2",
                "pillow==13.0.0",
            ],
            ["--no-deps", "fer==25.10.3"],
        ],
        "script": "peer_fer.py",
    },
    "face-api": {
        "install": [["@vladmandic/face-api@1.7.15", "@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0"]],
        "script": "peer_face_api.cjs",
    },
}


def measure(data: Fer2013, models: Sequence[str], rows: int | None, peers: Mapping[str, Json] = PEERS) -> Json:
    """The accuracy of each peer and of our ``models`` on the first rows of PrivateTest, by both kinds of labels."""
    part = data.split(SPLIT)
    crops = part.crops[:rows]
    truth = {"people": data.people_choice()[part.rows][:rows], "fer2013": part.labels[:rows]}
    loaded = [recognizers.load(name, threads=2) for name in models]
    environments = {name: environment(name, peer) for name, peer in peers.items()}
    figures = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps a mapped file
        place = Path(folder)
        np.save(place / "crops.npy", crops)
        pictures = np.lib.format.open_memmap(place / "pictures.npy", "w+", np.uint8, (len(crops), *FRAME[::-1]))
        for index, crop in enumerate(crops):
            pictures[index] = laid_into_frame(crop)
        pictures.flush()
        for name, command in environments.items():
            terminal.note(f"{name}: {len(crops)} crops and pictures")
            figures.append({"name": name, **scored(answers(name, peers[name]["script"], command, place), truth)})
        for recognizer in loaded:
            terminal.note(f"{recognizer.name}: {len(crops)} crops and pictures")
            figures.append({"name": recognizer.name, **scored(own_answers(recognizer, crops, pictures), truth)})
    about = {"split": SPLIT, "rows": len(crops), "data_hash": data.hash, "frame": FRAME, "host": host(2)}
    return {**about, "peers": figures}


def laid_into_frame(crop: np.ndarray) -> np.ndarray:
    """A crop uint8 (48, 48), enlarged, in the middle of a grey picture uint8 (480, 640)."""
    left, top = ((side - SCALE * len(crop)) // 2 for side in FRAME)
    return laid_into_picture(crop, SCALE, top, left)[..., 0]


def environment(name: str, peer: Json) -> list[str]:
    """The command that runs a script in a peer's own environment, which is made on first use."""
    folder = paths.CACHE / "peers" / name
    ready, installed = folder / "ready", json.dumps(peer["install"])
    in_python = peer["script"].endswith(".py")
    program = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python") if in_python else "node"
    if not ready.exists() or ready.read_text() != installed:
        terminal.note(f"{folder}: installing {name}")
        folder.mkdir(parents=True, exist_ok=True)
        if in_python:
            venv.create(folder, with_pip=True, clear=True)
            installer = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        else:
            installer = [shutil.which("npm") or "npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
            installer += ["--prefix", str(folder)]
        for packages in peer["install"]:
            _run([*installer, *packages], folder, "look whether the package index can be reached")
        ready.write_text(installed)
    return [program]


def answers(name: str, script: str, command: list[str], place: Path) -> Json:
    """What a peer's script answers about the crops and pictures that lie in a folder."""
    folder = paths.CACHE / "peers" / name
    files = [str(place / file) for file in ("crops.npy", "pictures.npy", f"{name}.json")]
    _run([*command, str(Path(__file__).parent / script), *files], folder, f"remove {folder} and try again")
    answered: Json = json.loads(Path(files[-1]).read_text())
    return answered


def own_answers(recognizer: Recognizer, crops: np.ndarray, pictures: np.ndarray) -> Json:
    """The answers of one of our models, in the same form: a crop, and the largest face of a picture."""

    def largest(picture: np.ndarray) -> list[float] | None:
        faces = facial_emotion.faces_in(np.repeat(picture[..., None], 3, axis=2), recognizer)
        sizes = [(face.box[2] - face.box[0]) * (face.box[3] - face.box[1]) for face in faces]
        return list(faces[int(np.argmax(sizes))].probabilities) if sizes else None

    def of_crop(crop: np.ndarray) -> list[float]:
        shares: list[float] = recognizer.predict_proba(crop[None])[0].tolist()
        return shares

    return {
        "version": facial_emotion.__version__,
        "model": recognizer.name,
        "crops": _asked(of_crop, crops),
        "pictures": _asked(largest, pictures),
    }


def scored(answered: Json, truth: dict[str, np.ndarray]) -> Json:
    """A peer's answers as figures: for crops and pictures the share found and the accuracy by each kind of labels.

    truth: for each kind the labels (n,), -1 where a row has none. A face that isn't found is a wrong answer.
    """
    figures = {key: answered[key] for key in ("version", "model")}
    for way in ("crops", "pictures"):
        shares = answered[way]["probabilities"]
        predicted = np.array([-1 if each is None else int(np.argmax(each)) for each in shares])
        figures[way] = {"median_ms": answered[way]["median_ms"], "found": float((predicted >= 0).mean())}
        for kind, labels in truth.items():
            known = labels >= 0
            right = int((predicted == labels)[known].sum())
            figures[way][kind] = {
                "rows": int(known.sum()),
                "accuracy": right / int(known.sum()),
                "interval": accuracy_interval(right, int(known.sum())),
                "mean_recall": mean_recall(labels[known], predicted[known]),
            }
    return figures


def table(figures: Json) -> Table:
    """The figures for a terminal: accuracy with its interval, a line for each package and way."""
    shown = terminal.table(
        f"The first {figures['rows']} rows of {figures['split']}",
        ["package, given", "found", "people's choice", "FER2013's label", "ms"],
    )
    for peer in figures["peers"]:
        for way in ("crops", "pictures"):
            own = peer[way]
            accuracies = (f"{own[kind]['accuracy']:.1%} ({_interval(own[kind])})" for kind in ("people", "fer2013"))
            shown.add_row(f"{peer['name']}, {way}", f"{own['found']:.0%}", *accuracies, f"{own['median_ms']:.1f}")
    return shown


def _interval(accuracy: Json) -> str:
    """An accuracy's 95 % interval in percent."""
    return " - ".join(f"{100 * bound:.1f}" for bound in accuracy["interval"])


def _asked(answer: Callable[[np.ndarray], list[float] | None], asked: np.ndarray) -> Json:
    """The answers about crops or pictures, and the median time of one."""
    answered, spent = [], []
    for picture in asked:
        start = time.perf_counter()
        answered.append(answer(np.asarray(picture)))
        spent.append(time.perf_counter() - start)
    return {"median_ms": 1000 * float(np.median(spent)), "probabilities": answered}


def _run(command: list[str], folder: Path, advice: str) -> None:
    """Run a command in a folder; its last word is the reason why it failed."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        advice = "install Node.js 20 or newer" if command[0] in ("npm", "node") else advice
        raise InputError(command[0], "to be installed", "no such program", advice) from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and "complete log" not in line]
        reason = (lines or ["nothing"])[-1]
        raise InputError(" ".join(command[-2:]), "exit code 0", reason, advice)
