"""Where things are on this machine: the trained models, the figures that are shipped, the cache, and new files.

Environment variables, read once: FER_ARTIFACTS, folders of trained models, separated as those of PATH are, in which
models are looked for first, and the first of which new ones go to; FER_CACHE, instead of the user's cache folder.
Commands write into the folder that they are called in, or where --out says, and never into an installed package.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from platformdirs import user_cache_dir, user_data_dir

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # of a checkout: where README.md and REPORT.md stand

# In a checkout the models are in ROOT, and the package has a link to them where the system knows links.
SHIPPED = PACKAGE / "artifacts" if (PACKAGE / "artifacts").is_dir() else ROOT / "artifacts"
RESULTS = SHIPPED / "results"  # of the benchmarks
REPORT = SHIPPED / "report"  # figures and pictures of REPORT.md

_own = [Path(folder) for folder in os.environ.get("FER_ARTIFACTS", "").split(os.pathsep) if folder]
NEW_RESULTS = Path("results")  # where figures, plots and recipes go that a command makes
NEW_ARTIFACTS = _own[0] if _own else Path("artifacts")  # where models go that are trained


def _of_user(folder_of: Callable[..., str]) -> Path | None:
    """A user's folder; None where a user id has no home, as in a container."""
    with contextlib.suppress(RuntimeError):
        folder = Path(folder_of("facial-emotion", appauthor=False))
        if folder.is_absolute():
            return folder
    return None


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / f"facial-emotion-{os.getuid()}"


CACHE = Path(os.environ.get("FER_CACHE") or _of_user(user_cache_dir) or _temporary())
# Where trained models are looked for; of two with one name the first counts. In no temporary folder: it is everybody's.
_users = _of_user(user_data_dir)
ARTIFACTS = (*_own, Path("artifacts"), *([_users / "models"] if _users else []), SHIPPED)


def is_own(name: str) -> bool:
    """Whether the model of this name is one's own, which counts before a shipped one; a copy of that is not."""
    for folder in ARTIFACTS:
        with contextlib.suppress(OSError):
            own, shipped = (place / name / "card.json" for place in (folder, SHIPPED))
            if own.is_file():
                return not shipped.is_file() or own.read_bytes() != shipped.read_bytes()
    return False


def checkpoints(out: Path) -> Path:
    """The folder of the checkpoints of a training for an artifact folder: in the user's cache, where no clean-up of a
    checkout reaches them.
    """
    return CACHE / "training" / f"{out.name}-{hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:8]}"


def is_installed(path: Path) -> bool:
    """Whether a path is inside the package as it was installed; in a checkout the models are outside of it."""
    return path.resolve().is_relative_to(PACKAGE)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside a path to be written: complete, it takes the path's place at once; otherwise it is removed."""
    scratch = path.with_name(f".{path.name}.part")
    try:
        yield scratch
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
