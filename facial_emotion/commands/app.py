"""Start the app in the browser."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from facial_emotion.errors import InputError


@click.command(epilog="Example: facial-emotion app --port 8501")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all network interfaces."
)
@click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535))
def main(host: str, port: int) -> None:
    """Start the app: emotions in pictures and live video, and a comparison of the models. Ctrl-C stops it."""
    from importlib.util import find_spec

    if find_spec("streamlit") is None:
        raise InputError("app", "Streamlit", "none installed", "install facial-emotion with the extra [app]")
    from streamlit.web import cli

    from facial_emotion import limits, paths
    from facial_emotion.views.app import ask_no_host

    settings = {
        "server.address": host,
        "server.port": port,
        "server.maxUploadSize": limits.UPLOAD,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "global.disableWidgetStateDuplicationWarning": "true",
        "client.toolbarMode": "viewer",
        "browser.gatherUsageStats": "false",
        "logger.hideWelcomeMessage": "true",  # for the public address in it, Streamlit would ask another host
    }
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    ask_no_host()
    click.echo(f"the app: http://{host}:{port}")
    sys.exit(cli.main(["run", str(Path(paths.PACKAGE, "views", "app.py")), *arguments], standalone_mode=False))
