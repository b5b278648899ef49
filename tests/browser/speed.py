"""Timing of the app: first page, change of model, a photo's answer; and the memory that viewers take.

Run it on an idle machine:

python -m tests.browser.speed
"""

from __future__ import annotations

import io
import time

import click
import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page

from facial_emotion import examples, recognizers
from tests.browser.conftest import app, choose, chromium, wait_until_settled

_PHOTOS, _VIEWERS = 10, 10
_KEPT = 125  # seconds: Streamlit keeps a session whose page was closed for two minutes, in case it comes back


def photo(index: int) -> bytes:
    """A JPEG of 2 megapixels with the astronaut, another one for each index."""
    picture = np.full((1224, 1632, 3), 90, dtype=np.uint8)
    top, left = 50 * (index // 10), 40 * (index % 10)
    picture[top : top + 512, left : left + 512] = examples.portrait()
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def upload(page: Page, index: int) -> float:
    """Give a page a photo; the seconds until its answer shows."""
    name = f"photo{index}.jpg"
    chooser = page.get_by_test_id("stFileUploaderDropzoneInput").first
    payload = FilePayload(name=name, mimeType="image/jpeg", buffer=photo(index))
    start = time.perf_counter()
    chooser.set_input_files(payload)
    page.get_by_text("1 · happy").wait_for()
    return time.perf_counter() - start


def visit(page: Page, address: str) -> None:
    """Open the app, and wait until all of its first page is there."""
    page.goto(address)
    wait_until_settled(page)
    page.wait_for_load_state("networkidle")


def time_photos(browser: Browser, address: str) -> list[float]:
    """Seconds from the choice of a photo to its answer, each on a new page."""
    seconds = []
    for index in range(_PHOTOS):
        page = browser.new_page()
        visit(page, address)
        seconds.append(upload(page, index))
        page.close()
    return seconds


def memory_of_viewers(browser: Browser, address: str, first: int) -> tuple[float, float, float]:
    """Memory of the server in MB: before ten viewers with a photo each, with them, and when their sessions ended.

    first: the index of the first photo. The server is a child of this process.
    """
    server = next(child for child in psutil.Process().children() if "streamlit" in child.cmdline())
    measured = [server.memory_info().rss / 1e6]
    contexts = [browser.new_context() for _ in range(_VIEWERS)]
    for index, context in enumerate(contexts):
        page = context.new_page()
        visit(page, address)
        upload(page, first + index)
    measured.append(server.memory_info().rss / 1e6)
    for context in contexts:
        context.close()
    time.sleep(_KEPT)
    for _ in range(2):  # a session that ends makes Streamlit look for those that are over
        page = browser.new_page()
        visit(page, address)
        page.close()
        time.sleep(2)
    measured.append(server.memory_info().rss / 1e6)
    before, during, after = measured
    return before, during, after


def main() -> None:
    """Print the seconds to the first usable page, to a photo's answer and to each model's result, and the memory."""
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
            seconds = time_photos(browser, address)
            click.echo(f"photo of 2 megapixels to its answer {np.median(seconds):.2f} s, at most {max(seconds):.2f} s")
            for number, order in enumerate(("first", "second"), 1):
                before, during, after = memory_of_viewers(browser, address, number * _VIEWERS)
                click.echo(f"{order} ten viewers: {before:.0f} MB before, {during:.0f} with, {after:.0f} after them")


if __name__ == "__main__":
    main()
