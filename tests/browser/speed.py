"""Timing of the app: first page, and change of model. Run it on an idle machine.

python -m tests.browser.speed
"""

from __future__ import annotations

import time

import click

from facial_emotion import recognizers
from tests.browser.conftest import app, choose, chromium, wait_until_settled


def main() -> None:
    """Print the seconds from start to the first usable page, and from the selection of each model to its result."""
    with chromium() as browser:
        page = browser.new_page()
        start = time.perf_counter()
        with app() as address:
            click.echo(f"server reachable  {time.perf_counter() - start:.2f} s")
            page.goto(address)
            wait_until_settled(page)
            click.echo(f"first page usable {time.perf_counter() - start:.2f} s")
            start = time.perf_counter()
            page.reload()
            wait_until_settled(page)
            click.echo(f"page usable again {time.perf_counter() - start:.2f} s")
            page.get_by_role("button", name="Astronaut").click()
            page.get_by_text("1 · happy").wait_for()
            for order in ("first", "second"):
                for name in recognizers.names():
                    start = time.perf_counter()
                    choose(page, "Model", name)
                    accuracy = recognizers.card(name).own("PrivateTest").accuracy
                    page.get_by_text(f"{accuracy:.1%}").wait_for()
                    wait_until_settled(page)
                    click.echo(f"{name}, {order} time: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
