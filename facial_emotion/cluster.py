"""A Dask cluster to work on: one that runs already, or one made on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    from distributed import Client


@contextmanager
def connect(address: str, count: int) -> Iterator[Client]:
    """A client of the cluster at ``address``, "tcp://…", or of one of ``count`` workers made for it here, "local".

    Raises InputError without Dask, or where no scheduler answers.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise InputError(
            "--cluster", "Dask", "none installed", "pip install 'facial-emotion-recognition[cluster]'"
        ) from error

    with ExitStack() as opened:
        try:
            made = None
            if address == "local":
                made = opened.enter_context(LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None))
            client = opened.enter_context(Client(made or address, timeout=20))
        except (OSError, ValueError) as error:
            raise InputError("--cluster", 'a scheduler, as tcp://host:8786, or "local"', str(error)) from error
        yield client
