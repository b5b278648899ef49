"""Another project's shipped model on the same rows, run in an environment of its own.

    python -m workshop benchmark peers --data fer2013.csv.xz --out artifacts/report/peers.json

The report shows what lies there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facial_emotion import paths
from facial_emotion.errors import InputError
from facial_emotion.evaluation.scores import scores
from facial_emotion.records import to_json
from facial_emotion.terminal import note

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013

SPLIT = "PrivateTest"
# One line here compares with another package: what to install, without its dependencies, what its model needs, and
# the script that is run there. It reads crops uint8 (n, 48, 48) from one .npy and writes probabilities (n, 7), in
# the order of EMOTIONS, to another, and prints {"model": …, "median_ms": …}.
PEERS: dict[str, dict[str, Any]] = {
    "fer": {
        "package": "fer==25.10.3",
        "needs": ["tensorflow==2.21.0", "opencv-python-headless==4.14.0.94"],
        "script": "peer_fer.py",
    }
}


def environment(name: str, place: Path) -> Path:
    """The Python of a peer's own environment, made on first use."""
    folder = place / name
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    ready = folder / "ready"
    if not ready.exists():
        note(f"{folder}: installing {PEERS[name]['package']}")
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for command in ([*pip, *PEERS[name]["needs"]], [*pip, "--no-deps", PEERS[name]["package"]]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
                raise InputError(
                    command[-1], "to be installed", reason, "look whether the package index can be reached"
                )
        ready.touch()
    return python


def answers(name: str, python: Path, crops: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """A peer's probabilities float (n, 7) of crops uint8 (n, 48, 48), and what its script says of itself."""
    script = Path(__file__).with_name(PEERS[name]["script"])
    with tempfile.TemporaryDirectory() as folder:
        given, taken = Path(folder) / "crops.npy", Path(folder) / "probabilities.npy"
        np.save(given, crops)
        done = subprocess.run(
            [str(python), str(script), str(given), str(taken)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise InputError(script, f"answers of {name}", reason, f"remove {python.parent.parent} and try again")
        return np.load(taken, allow_pickle=False), json.loads(done.stdout.strip().splitlines()[-1])


def measure(data: Fer2013) -> dict[str, Any]:
    """The scores of every peer on PrivateTest, as plain numbers. Their environments are made in the cache."""

    part = data.split(SPLIT)
    peers = []
    for name, peer in PEERS.items():
        probabilities, about = answers(name, environment(name, paths.CACHE / "peers"), part.crops)
        # Without a threshold: it never says that it is uncertain.
        figures = to_json(scores(probabilities, part.labels, data.near_duplicates(SPLIT), threshold=0.0))
        peers.append({"name": name, "package": peer["package"], **about, "scores": figures})
    return {"split": SPLIT, "data_hash": data.hash, "peers": peers}
