"""Emotions live in the browser: a page that computes everything itself, so that no picture leaves the machine.

facial-emotion live

facial-emotion live --out site
"""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from facial_emotion.commands import options


@click.command(epilog="Example: facial-emotion live --out site")
@click.option("--port", default=8600, show_default=True, type=click.IntRange(1, 65535))
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page in the browser.")
@click.option(
    "--out", type=options.Place(file_okay=False), help="Write the page into this folder, for any static host, instead."
)
@click.option("--overwrite", is_flag=True, help="Write into a folder that has files.")
def main(port: int, browser: bool, out: Path | None, overwrite: bool) -> None:
    """Recognise emotions in the browser itself: camera, pictures, videos, none of which leaves it. Ctrl-C stops it."""
    from facial_emotion.web import site

    if out is not None:
        written = site.write(out, overwrite)
        click.echo(f"{out}: {len(written)} files, {sum(path.stat().st_size for path in written) / 1e6:.1f} MB")
        return
    with site.server("127.0.0.1", port) as server:
        address = f"http://127.0.0.1:{port}"
        click.echo(f"live in the browser: {address} (no picture is sent anywhere; Ctrl-C stops it)")
        if browser:
            webbrowser.open(address)
        server.serve_forever()
