"""How long the app takes to its first page, and to another model; on a machine that does nothing else.

python -m tests.browser.speed
"""

from __future__ import annotations

import time

import click

from facial_emotion import recognizers
from tests.browser.conftest import app, choose, chromium, settled


def main() -> None:
    """Print the seconds from the command to the first usable page, and from each choice of a model to its answer."""
    with chromium() as browser:
        page = browser.new_page()
        began = time.perf_counter()
        with app() as address:
            click.echo(f"server answers    {time.perf_counter() - began:.2f} s")
            page.goto(address)
            settled(page)
            click.echo(f"first page usable {time.perf_counter() - began:.2f} s")
            page.get_by_role("tab", name="Example").click()
            page.get_by_role("button", name="Show the example").click()
            page.get_by_text("1 · happy").wait_for()
            for time_of in ("first", "second"):
                for name in recognizers.names():
                    began = time.perf_counter()
                    choose(page, "Model", name)
                    accuracy = recognizers.card(name)["metrics"]["PrivateTest"]["accuracy"]
                    page.get_by_text(f"{accuracy:.1%}").wait_for()
                    settled(page)
                    click.echo(f"{name}, {time_of} time: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
