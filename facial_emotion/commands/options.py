"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

data = click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="FER2013, as a CSV or a folder of pictures."
)
seed = click.option("--seed", default=0, show_default=True, help="Random seed.")
threads = click.option("--threads", default=2, show_default=True, type=click.IntRange(1), help="CPU threads.")


def split_names(names: str | None) -> list[str]:
    """Names that were given with commas between them."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]
