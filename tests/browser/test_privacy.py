"""The app sends nothing: its system calls while every page is open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests import tracing
from tests.browser.conftest import chromium, is_reachable, wait_until_settled


def test_the_app_sends_pages_and_nothing_else(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "calls.txt"
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    words = ["-m", "facial_emotion", "app", "--port", address.rpartition(":")[2]]
    command = tracing.traced([sys.executable, *words], log)
    app = subprocess.Popen(command, cwd=tmp_path, env=tracing.environment(home), start_new_session=True)
    try:
        while not is_reachable(f"{address}/_stcore/health"):
            assert app.poll() is None
            time.sleep(0.1)
        with chromium() as browser:
            page = browser.new_page()
            for name in ("", "live", "video", "compare", "why", "about"):
                page.goto(f"{address}/{name}")
                wait_until_settled(page)
            page.goto(address)
            page.get_by_role("button", name="Astronaut").click()
            page.get_by_text("1 face").first.wait_for()
    finally:
        os.killpg(app.pid, signal.SIGINT)
        app.wait()
    assert tracing.hosts(log) == set()
    assert tracing.written(log, tmp_path, (home / ".cache" / "facial-emotion",)) == set()
