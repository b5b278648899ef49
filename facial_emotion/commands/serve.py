"""Recognition over HTTP: POST a picture to /recognize, get its faces as JSON.

    facial-emotion serve --port 8000
    curl --data-binary @portrait.jpg http://127.0.0.1:8000/recognize
    curl -F picture=@portrait.jpg http://127.0.0.1:8000/recognize

/docs documents the interface; /health, /ready and /metrics are for operation and monitoring.
"""

from __future__ import annotations

import math
import os

import click

from facial_emotion import limits
from facial_emotion.commands import options
from facial_emotion.records import Json


@click.command(epilog="Example: facial-emotion serve --models cnn,lightgbm --port 8000 --workers 2")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all network interfaces."
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--models",
    help="Names, separated by commas; the first is the default model. By default all; the default is the "
    "fastest within two points of the best.",
)
@click.option("--workers", type=options.AT_ONCE, help="Worker processes; by default one for each core it may use.")
@click.option(
    "--max-body",
    default=limits.BODY / 1e6,
    show_default=True,
    type=options.Number(0.001),
    help="Maximum body, in megabytes.",
)
@click.option(
    "--max-pixels",
    default=limits.SERVED / 1e6,
    show_default=True,
    type=options.Number(0.001, limits.PIXELS / 1e6),
    help="Maximum size, in megapixels; less of kinds that take more memory.",
)
@click.option(
    "--max-waiting",
    default=limits.WAITING,
    show_default=True,
    type=click.IntRange(1),
    help="Maximum number of pending requests.",
)
@click.option(
    "--timeout",
    default=limits.SECONDS,
    show_default=True,
    type=options.Number(0.1),
    help="Timeout of a request, in seconds.",
)
@click.option(
    "--keep-alive",
    default=limits.KEEP_ALIVE,
    show_default=True,
    type=options.Number(1),
    help="Seconds that a connection may be idle between requests; longer than a load balancer keeps it.",
)
@click.option(
    "--allowed-hosts",
    help="Names, separated by commas, by which requests may address the server; * for any. By default those of this "
    "machine on 127.0.0.1, and any on other addresses.",
)
@click.option(
    "--allow-origins",
    help="Web sites, as https://example.org, separated by commas, whose pages may read the answers; by default none.",
)
def main(
    host: str,
    port: int,
    models: str | None,
    workers: int | None,
    max_body: float,
    max_pixels: float,
    max_waiting: int,
    timeout: float,
    keep_alive: float,
    allowed_hosts: str | None,
    allow_origins: str | None,
) -> None:
    """Serve trained models over HTTP, until Ctrl-C."""
    import uvicorn

    from facial_emotion import recognizers
    from facial_emotion.evaluation import results
    from facial_emotion.serving.api import create_app
    from facial_emotion.serving.connections import BACKLOG, Connection, Server, url_of
    from facial_emotion.serving.hosts import allowed
    from facial_emotion.serving.schema import Limits
    from facial_emotion.terminal import note
    from facial_emotion.threads import usable_cores

    names = options.chosen_models(models)
    for name in names:
        recognizers.card(name)  # report an unknown name before the server starts
    default = names[0] if models else recognizers.default(names, results.latencies(results.known()[0]))
    limited = Limits(round(1e6 * max_body), round(1e6 * max_pixels), max_waiting, timeout)
    failures: list[BaseException] = []

    def fail(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    # Trees and networks are read in random order: with pages of 2 MB less time goes into finding addresses. glibc reads
    # this when a process starts, as the workers do.
    os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    workers = workers or usable_cores()
    note(f"{url_of(host, port)}: starting, with {default} as the default model; workers: {workers}")
    hosts = allowed(host, options.split_names(allowed_hosts))
    application = create_app(tuple(names), default, workers, limited, fail, hosts, options.split_names(allow_origins))
    grace = math.ceil(timeout) + 1  # seconds in which requests are still answered
    settings: Json = {"http": Connection, "backlog": BACKLOG, "timeout_graceful_shutdown": grace}
    settings |= {"timeout_keep_alive": math.ceil(keep_alive), "ws": "none"}
    server = Server(uvicorn.Config(application, host, port, log_level="warning", **settings))
    server.run()
    if failures:
        raise failures[0]
