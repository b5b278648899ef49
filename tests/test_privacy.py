"""Nothing is sent: the system calls of a user's commands look up no host, and write to the cache and the results."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from facial_emotion import examples
from tests import tracing
from tests.made import write_video


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home, with the cache that the project may make."""
    path = tmp_path / "home"
    (path / ".cache").mkdir(parents=True)
    return path


def check(log: Path, home: Path, *allowed: Path) -> None:
    assert tracing.hosts(log) == set()
    assert tracing.written(log, log.parent, (home / ".cache" / "facial-emotion", *allowed)) == set()
    assert {path.name for path in home.iterdir()} == {".cache"}
    assert {path.name for path in (home / ".cache").iterdir()} <= {"facial-emotion"}


@pytest.mark.parametrize(
    "words",
    [
        "recognize pictures party.mp4 --out out/results.csv --annotate out/copies",
        "recognize pictures --out out/results.csv --processes 2",
        "compare --models lightgbm --out out",
    ],
)
def test_a_command_sends_nothing(words: str, home: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name in ("one.png", "two.png"):
        Image.fromarray(examples.portrait()).save(tmp_path / "pictures" / name)
    write_video(tmp_path / "party.mp4", 5)
    log = tmp_path / "calls.txt"
    command = tracing.traced([sys.executable, "-m", "facial_emotion", *words.split()], log)
    done = subprocess.run(
        command, cwd=tmp_path, env=tracing.environment(home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "results.csv").exists()
    check(log, home, tmp_path / "out")


def test_the_server_sends_answers_and_nothing_else(home: Path, tmp_path: Path) -> None:
    Image.fromarray(examples.portrait()).save(tmp_path / "one.png")
    log = tmp_path / "calls.txt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = f"serve --port {port} --models cnn --workers 2".split()
    command = tracing.traced([sys.executable, "-m", "facial_emotion", *words], log)
    server = subprocess.Popen(command, cwd=tmp_path, env=tracing.environment(home), start_new_session=True)
    try:
        for _ in range(600):
            assert server.poll() is None
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready").close()
                break
            except OSError:
                time.sleep(0.1)
        content = (tmp_path / "one.png").read_bytes()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/recognize", data=content) as answer:
            assert json.load(answer)["faces"][0]["label"] == "happy"
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait()
    check(log, home)


def test_a_trace_shows_what_a_report_would_be(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls.txt"
    code = (
        "import contextlib, pathlib, socket\n"
        "pathlib.Path.home().joinpath('.device').write_text('id')\n"
        "with contextlib.suppress(OSError):\n"
        "    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'hello', ('192.0.2.1', 53))\n"
    )
    command = tracing.traced([sys.executable, "-c", code], log)
    subprocess.run(command, cwd=tmp_path, env=tracing.environment(home), capture_output=True, check=False)
    assert tracing.hosts(log) == {"192.0.2.1", "htons(53)"}
    assert tracing.written(log, tmp_path, (home / ".cache",)) == {str(home / ".device")}


@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("0", "0")])
def test_telemetry_is_off_unless_the_user_says_otherwise(given: str | None, expected: str) -> None:
    names = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    code = "import os, facial_emotion; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**names, **({"ORT_DISABLE_TELEMETRY": given} if given else {})},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected
