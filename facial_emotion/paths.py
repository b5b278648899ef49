"""Where things are on this machine: the trained models, their results, and the cache.

Environment variables, read once: FER_ARTIFACTS, a folder of trained models instead of those that come with the package;
FER_CACHE, instead of the user's cache folder. An installed package may be read-only, so nothing else is written to.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # of a checkout: where README.md and REPORT.md stand

# In a checkout the models are in ROOT, and the package has a link to them where the system knows links.
_shipped = PACKAGE / "artifacts"
ARTIFACTS = Path(os.environ.get("FER_ARTIFACTS") or (_shipped if _shipped.is_dir() else ROOT / "artifacts"))
RESULTS = ARTIFACTS / "results"  # of the benchmarks
REPORT = ARTIFACTS / "report"  # figures and pictures of REPORT.md

CACHE = Path(os.environ.get("FER_CACHE") or user_cache_dir("facial-emotion", appauthor=False))


def checkpoints(name: str) -> Path:
    """The folder of a network's checkpoints: in the user's cache, where no clean-up of a checkout reaches them."""
    return CACHE / "training" / name
