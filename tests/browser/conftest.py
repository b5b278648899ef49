"""A running app, and a browser whose camera shows a synthetic video."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from facial_emotion import examples
from workshop.benchmarks.browser import FLAGS

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_MS = 90_000  # long, for busy machines
FRAMES_WITH_FACE, FRAMES_WITHOUT = 150, 45  # of the camera's video


@contextlib.contextmanager
def app() -> Iterator[str]:
    """Run the app; yields its address. Its log may have no traceback at the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    arguments = ["streamlit", "run", "app.py", "--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("STUN_", "TURN_"))}
    command = [sys.executable, "-m", *arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        program = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            while not is_reachable(f"http://127.0.0.1:{port}/_stcore/health"):
                assert program.poll() is None, "the app exited"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            program.terminate()
            program.wait(10)
        log.seek(0)
        text = log.read()
    assert "Traceback" not in text, text


def is_reachable(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Headless Chromium with a simulated camera."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with app() as url:
        yield url


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    camera = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    camera.write_bytes(camera_video())
    with chromium(f"--use-file-for-fake-video-capture={camera}") as launched:
        yield launched


def camera_video() -> bytes:
    """Motion JPEG, 640 x 480: a portrait that crosses the picture, then an empty scene."""
    portrait = Image.fromarray(examples.portrait()[:300, 60:390])
    stream = io.BytesIO()
    for index in range(FRAMES_WITH_FACE + FRAMES_WITHOUT):
        frame = Image.new("RGB", examples.FRAME[::-1], (90, 90, 90))
        if index < FRAMES_WITH_FACE:
            frame.paste(portrait, (round(300 * index / FRAMES_WITH_FACE), 100 + round(60 * index / FRAMES_WITH_FACE)))
        frame.save(stream, "JPEG", quality=90)
    return stream.getvalue()


Open = Callable[..., Page]


@pytest.fixture
def visit(address: str, browser: Browser) -> Iterator[Open]:
    """Open one of the app's pages as a new viewer."""
    contexts = []

    def open_page(name: str, width: int = 1280, theme: str = "light", wait: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]
            permissions=["camera"],
        )
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{address}/{name}")
        if wait:
            wait_until_settled(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


def wait_until_settled(page: Page) -> None:
    """Wait until the page has its title and no script run is in progress."""
    page.get_by_role("heading", level=1).wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.locator("[data-stale=true]").first.wait_for(state="detached")


def choose(page: Page, label: str, value: str) -> None:
    """Select a value in a select box."""
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=value, exact=True).click()
