"""Benchmark of the page in the browser: headless Chromium, whose camera shows a portrait that moves.

python -m workshop benchmark browser --minutes 10
"""

from __future__ import annotations

import io
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import brotli
import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from facial_emotion.errors import InputError
from facial_emotion.evaluation.results import host
from facial_emotion.records import Json
from facial_emotion.web import site
from workshop.benchmarks.video import frames

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]
_TIMEOUT_MS = 90_000
_SETTLING_MS = 5_000  # after the first label, before rates count


def measure(minutes: int, step: Callable[[], object]) -> Json:
    """Sizes, seconds to the first label from an empty cache, and by minute: rates, memory, and requests so far.

    Raises InputError where there is no Chromium.
    """
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise InputError("chromium", "a browser of that name", "none", "apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, _address() as address, sync_playwright() as playwright:
        camera = Path(folder) / "camera.mjpeg"
        camera.write_bytes(_camera())
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        page = browser.new_context(permissions=["camera"], locale="en-GB").new_page()
        requests = list[str]()
        page.on("request", lambda request: requests.append(request.url.removeprefix(f"{address}/") or "index.html"))
        seconds = _first_label(page, address)
        figures: Json = {"browser": f"Chromium {browser.version}", "host": host(1), "sizes": _sizes(requests)}
        figures |= {"first_label_s": round(seconds, 2), "minutes": []}
        page.wait_for_timeout(_SETTLING_MS)
        requests.clear()
        for _ in range(minutes):
            figures["minutes"].append({**_minute(page), "requests": len(requests)})
            step()
        browser.close()
    return figures


@contextmanager
def _address() -> Iterator[str]:
    with site.server("127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _camera() -> bytes:
    """Motion JPEG of 3 seconds that a browser repeats: one face that moves."""
    stream = io.BytesIO()
    for frame in frames(90):
        Image.fromarray(frame).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _first_label(page: Page, address: str) -> float:
    """Seconds from opening the page to the first label, where the camera is started as soon as it can be."""
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("body[data-ready]", timeout=_TIMEOUT_MS)
    page.evaluate("document.getElementById('camera').click()")
    while not page.evaluate("page.rows.length"):
        time.sleep(0.01)
    return time.perf_counter() - start


def _sizes(fetched: list[str]) -> Json:
    """Bytes of the page as static hosts compress it: all of its files, and what the first label needs."""
    files = site.files()
    packed = {name: len(brotli.compress(content)) for name, content in files.items()}
    needed = [name for name in packed if name in fetched]
    return {
        "all": sum(map(len, files.values())),
        "all_compressed": sum(packed.values()),
        "first_label_compressed": sum(packed[name] for name in needed),
    }


def _minute(page: Page) -> Json:
    """Recognitions and repaints a second, and memory at the end."""
    program = "[page.rows.length, page.painted, performance.now()]"
    before = page.evaluate(program)
    page.wait_for_timeout(60_000)
    rows, painted, milliseconds = np.subtract(page.evaluate(program), before)
    return {
        "recognitions_per_second": round(1000 * rows / milliseconds, 1),
        "repaints_per_second": round(1000 * painted / milliseconds, 1),
        "memory_mb": round(_memory_mb()),
    }


def _memory_mb() -> float:
    """Memory that the page's process holds alone: the largest of those that draw pages."""
    processes = [child for child in psutil.Process().children(recursive=True) if "--type=renderer" in child.cmdline()]
    return max(process.memory_full_info().uss for process in processes) / 1e6
