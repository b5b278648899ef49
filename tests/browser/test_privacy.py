"""The app sends nothing: its system calls while every page is open."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser

from tests import tracing
from tests.browser.conftest import is_reachable, wait_until_settled


def test_the_app_sends_pages_and_nothing_else(browser: Browser, tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "calls.txt"
    (home / ".cache").mkdir(parents=True)
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
        assert "403" in _handshake(address, "http://other.example")
        with browser.new_context() as context:
            page = context.new_page()
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


def _handshake(address: str, origin: str) -> str:
    """The first line of the answer to a page of another origin that opens a connection to the app."""
    host, _, port = address.removeprefix("http://").partition(":")
    lines = (
        *("GET /_stcore/stream HTTP/1.1", f"Host: {host}:{port}", f"Origin: {origin}", "Connection: Upgrade"),
        *("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""),
    )
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return connection.recv(1000).decode().splitlines()[0]
