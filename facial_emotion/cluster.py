"""Connection to a Dask cluster: an existing one, or a local one that is started for the purpose."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from facial_emotion.errors import InputError
from facial_emotion.workers import check_main_guard

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE, _TIMEOUT = 3, 20  # seconds in which a scheduler's machine, and the scheduler, must answer


@contextmanager
def connect(address: str, count: int) -> Iterator[Client]:
    """A client of the cluster at ``address``, "tcp://…"; with "local", of a new one with ``count`` workers.

    Raises InputError without Dask, or where no scheduler answers.
    """
    try:
        distributed: Any = importlib.import_module("distributed")  # it has no type hints
    except ImportError as error:
        raise InputError(
            "--cluster", "Dask", "none installed", "install facial-emotion with the extra [cluster]"
        ) from error

    if address == "local":
        check_main_guard()
    with ExitStack() as stack:
        try:
            local = None
            if address == "local":
                local = stack.enter_context(
                    distributed.LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
                )
            elif (place := urlsplit(address)).hostname and place.port:
                socket.create_connection((place.hostname, place.port), _PATIENCE).close()
            client = stack.enter_context(distributed.Client(local or address, timeout=_TIMEOUT))
        except (OSError, ValueError) as error:
            raise InputError("--cluster", 'a scheduler, as tcp://host:8786, or "local"', str(error)) from error
        yield client
