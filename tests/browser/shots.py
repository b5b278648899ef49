"""Screenshots of every page in every width and theme, to be looked at.

make shots
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from playwright.sync_api import Browser, Page

from facial_emotion import examples
from tests.browser.conftest import TIMEOUT_MS, app, camera_video, chromium, wait_until_settled
from tests.browser.test_browser import upload
from tests.views.pages import encoded

WIDTHS, THEMES = (390, 820, 1280, 1920), ("light", "dark")
PAGES = ("", "live", "video", "compare", "why", "about")


def picture(page: Page) -> None:
    """Choose the example with many faces."""
    page.get_by_role("button", name="Video call", exact=True).click()
    page.get_by_role("heading", name="9 faces").wait_for()


def many(page: Page) -> None:
    """Give a folder's worth of pictures, one without a face and one that can't be read."""
    page.get_by_text("Other pictures").click()
    rgbs = [examples.portrait(), examples.officer(), examples.call(), np.full((300, 400, 3), 120, dtype=np.uint8)]
    photos = [(f"{'ab'[number % 2]}/{number}.jpg", encoded(rgb, "JPEG")) for number, rgb in enumerate(5 * rgbs)]
    upload(page, *photos, ("broken.jpg", b"\xff\xd8\xff"))
    page.get_by_role("heading", name="faces in 20 pictures").wait_for()


def ask(page: Page) -> None:
    """Ask for the best model for FER2013's labels within other limits."""
    page.get_by_text("FER2013's labels", exact=True).click()
    page.get_by_label("ms a face, at most").fill("50")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="ensemble").wait_for()


def video(page: Page) -> None:
    """Analyse the example."""
    page.get_by_role("button", name="Try the example").click()
    page.get_by_role("heading", name="2 faces in 6 s").wait_for()


def playing(page: Page) -> None:
    """Start the camera."""
    frame = page.frame_locator("iframe[title*=facial_emotion_live]")
    frame.get_by_role("button", name="Start the camera").click()
    frame.get_by_text("recognitions a second").wait_for()
    page.wait_for_timeout(3000)


def stopped(page: Page) -> None:
    """Stop the camera and hand the rows over."""
    frame = page.frame_locator("iframe[title*=facial_emotion_live]")
    frame.get_by_role("button", name="Stop").click()
    frame.get_by_role("button", name="Show charts in the app").click()
    page.get_by_role("button", name="Download results").wait_for()


# What is done on a page before each screenshot but the first.
ACTS: dict[str, list[Callable[[Page], None]]] = {
    "": [picture, many],
    "video": [video],
    "live": [playing, stopped],
    "compare": [ask],
}


def take(browser: Browser, address: str, name: str, width: int, theme: str, language: str, out: Path) -> None:
    """Write the screenshots of a page, as it opens and after each of its ACTS."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,  # type: ignore[arg-type]
        locale=language,
        permissions=["camera"],
    )
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(f"{address}/{name}")
    acts = ACTS.get(name, []) if language == "en" else []  # they look for English words
    for number, act in enumerate([lambda _: None, *acts]):
        if number < 2:  # a page with a running video is drawn without end
            wait_until_settled(page)
        act(page)
        page.wait_for_timeout(1500)
        # The page scrolls inside of the window, so that a whole picture of it needs a window as high as the page.
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": int(min(max(height, 900), 6000))})
        page.wait_for_timeout(500)
        page.screenshot(path=out / f"{name or 'image'}-{number}-{width}-{theme}.png")
    context.close()


@click.command(epilog="Example: python -m tests.browser.shots shots --page compare --width 390")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--page", "pages", multiple=True, type=click.Choice(PAGES), default=PAGES, help="Only these pages.")
@click.option("--width", "widths", multiple=True, type=int, default=WIDTHS, help="Only these widths, in pixels.")
@click.option("--theme", "themes", multiple=True, type=click.Choice(THEMES), default=THEMES, help="Only these themes.")
@click.option("--language", default="en", show_default=True, help="Of the browser; pages in others are only opened.")
def main(out: Path, pages: tuple[str, ...], widths: tuple[int, ...], themes: tuple[str, ...], language: str) -> None:
    """Write screenshots of the app's pages into the folder OUT."""
    out.mkdir(parents=True, exist_ok=True)
    camera = out / "camera.mjpeg"
    camera.write_bytes(camera_video())
    with app() as address, chromium(f"--use-file-for-fake-video-capture={camera.resolve()}") as browser:
        for name, width, theme in itertools.product(pages, widths, themes):
            take(browser, address, name, width, theme, language, out)
            click.echo(f"{name or 'image'} {width} {theme}")


if __name__ == "__main__":
    main()
