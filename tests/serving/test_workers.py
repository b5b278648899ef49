"""The server's processes: its start, deadlines, workers that die, clients that leave, and too many connections."""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from facial_emotion import examples
from tests.serving.test_serve import ROOT, encoded, free_port, request, server

SLOW = "min_face=24"  # in a picture of many megapixels


@pytest.mark.attack("a request that takes too long", "504, the worker is replaced")
def test_a_slow_request_ends_with_a_timeout_and_its_worker_is_replaced() -> None:
    large = encoded(np.tile(examples.portrait(), (10, 10, 1)))
    with server("--models", "cnn", "--workers", 1, "--timeout", 1.5) as url:
        for _ in range(2):
            status, answer, headers = request(f"{url}/recognize?{SLOW}", large)
            assert (status, answer["error"]["code"], headers["Connection"]) == (504, "too_slow", "close")
            for _ in range(100):  # none is ready until the new worker has loaded the models
                if request(f"{url}/ready")[0] == 200:
                    break
                time.sleep(0.1)
            statuses = [request(f"{url}/recognize", encoded(examples.frame()))[0] for _ in range(20)]
            assert 200 in statuses, statuses


@pytest.mark.attack("clients that leave", "nothing is done for them")
def test_nothing_is_done_for_clients_that_have_left() -> None:
    large = encoded(np.tile(examples.portrait(), (6, 6, 1)))
    with server("--models", "cnn", "--workers", 1, "--timeout", 60) as url:
        host, port = url.removeprefix("http://").split(":")
        start = time.monotonic()
        assert request(f"{url}/recognize?{SLOW}", large)[0] == 200
        alone = time.monotonic() - start
        head = f"POST /recognize?{SLOW} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(large)}\r\n\r\n".encode()
        for _ in range(20):
            with socket.create_connection((host, int(port)), timeout=20) as connection:
                connection.sendall(head + large)
        start = time.monotonic()
        assert request(f"{url}/recognize", encoded(examples.frame()))[0] == 200
        assert time.monotonic() - start < 10 * alone


@pytest.mark.attack("a killed worker", "its own request is lost, no other")
def test_a_killed_worker_loses_its_own_request_only() -> None:
    large = encoded(np.tile(examples.portrait(), (10, 10, 1)))
    with server("--models", "cnn", "--workers", 2, "--timeout", 60) as url, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(request, f"{url}/recognize?{SLOW}", large) for _ in range(2)]
        time.sleep(0.7)
        workers = [each for each in psutil.Process().children(recursive=True) if "spawn_main" in str(each.cmdline())]
        workers[0].kill()
        assert sorted(answer.result()[0] for answer in answers) == [200, 500]
        assert request(f"{url}/recognize", encoded(examples.frame()))[0] == 200


@pytest.mark.attack("a worker killed while it has no request", "it is replaced")
def test_a_worker_that_dies_idle_is_replaced() -> None:
    with server("--models", "cnn", "--workers", 1) as url:
        (worker,) = [each for each in psutil.Process().children(recursive=True) if "spawn_main" in str(each.cmdline())]
        worker.kill()
        time.sleep(0.5)
        assert request(f"{url}/ready")[0] == 503
        for _ in range(200):
            if request(f"{url}/ready")[0] == 200:
                break
            time.sleep(0.1)
        assert request(f"{url}/recognize", encoded(examples.frame()))[0] == 200


@pytest.mark.attack("a broken model at the server's start", "exit code 2 and the reason")
def test_a_model_that_can_not_be_loaded_ends_the_server(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "tiny", tmp_path / "tiny")
    (tmp_path / "tiny" / "model.onnx").write_bytes(b"damaged")
    command = [sys.executable, "serve.py", "--models", "tiny", "--workers", "2", "--port", str(free_port())]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "FER_ARTIFACTS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert "model.onnx: expected SHA-256 " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_model_is_an_error_before_the_server_starts() -> None:
    command = [sys.executable, "serve.py", "--models", "nobody"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: model: expected one of ")


@pytest.mark.long
@pytest.mark.attack("more connections than open files allowed", "the server answers, no traceback")
def test_more_connections_than_files_leave_the_server_whole(tmp_path: Path) -> None:
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    log = tmp_path / "errors"
    with (
        log.open("wb") as errors,
        server("--models", "cnn", "--workers", 1, stderr=errors, preexec_fn=few_files) as url,
    ):
        host, port = url.removeprefix("http://").split(":")
        connections = [socket.create_connection((host, int(port)), timeout=20) for _ in range(600)]
        for connection in connections[-20:]:
            with suppress(ConnectionError):
                assert connection.recv(1) == b""
        for connection in connections:
            connection.close()
        assert request(f"{url}/recognize", encoded(examples.frame()))[0] == 200
    first, second, third = log.read_text().splitlines()
    assert first == f"{url}: starting, with cnn as the default model; workers: 1"
    assert second == f"{url}: listening"
    assert re.fullmatch(r"ready; workers: 1, \d+ MB of memory each", third) or sys.platform != "linux"


def opened(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect((host, int(port)))
    return connection


def is_open(connection: socket.socket) -> bool:
    """Whether the server's side is open, found without reading what it sent."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1


@pytest.mark.long
@pytest.mark.attack("clients that read none of their answers", "others are served; they are cut off")
def test_clients_that_do_not_read_hold_nobody(tmp_path: Path) -> None:
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    log = tmp_path / "errors"
    with (
        log.open("wb") as errors,
        server("--models", "lightgbm", "--workers", 1, stderr=errors, preexec_fn=few_files) as url,
    ):
        (worker,) = [each for each in psutil.Process().children(recursive=True) if "spawn_main" in str(each.cmdline())]
        slow = []
        for _ in range(80):
            connection = opened(url)
            with suppress(OSError):
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
            slow.append(connection)
            assert request(f"{url}/health")[0] == 200
        end = time.monotonic() + 40
        while any(is_open(connection) for connection in slow):
            assert time.monotonic() < end
            assert request(f"{url}/health")[0] == 200
            time.sleep(0.5)
        assert worker.is_running()
        for connection in slow:
            connection.close()
    assert len(log.read_text().splitlines()) == 3


@pytest.mark.attack("two requests with 12 s between on one connection", "both are answered")
@pytest.mark.long
def test_a_connection_is_kept_as_long_as_load_balancers_expect() -> None:
    with server("--models", "lightgbm", "--workers", 1, "--keep-alive", 14) as url:
        connection = opened(url)
        for pause in (0, 12):
            time.sleep(pause)
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b'alive"}'):
                answer += connection.recv(4096)
        start = time.monotonic()
        assert connection.recv(4096) == b""
        assert time.monotonic() - start < 30
        connection.close()


@pytest.mark.attack("a worker that can not start again", "its reason at /ready and in the log; the process ends")
@pytest.mark.long
def test_a_server_whose_workers_can_not_start_again_says_why_and_ends(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "tiny", tmp_path / "tiny")
    command = [sys.executable, "serve.py", "--models", "tiny", "--workers", "1", "--port", str(port := free_port())]
    environment = {**os.environ, "FER_ARTIFACTS": str(tmp_path)}
    program = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    while True:
        with suppress(OSError):
            if request(f"{url}/ready")[0] == 200:
                break
        time.sleep(0.1)
    (tmp_path / "tiny" / "model.onnx").write_bytes(b"damaged")
    (worker,) = [
        each for each in psutil.Process(program.pid).children(recursive=True) if "spawn_main" in str(each.cmdline())
    ]
    worker.kill()
    reasons = set()
    while program.poll() is None:
        with suppress(OSError):
            status, answer, _ = request(f"{url}/ready")
            reasons.add((status, answer.get("error", {}).get("code")))
        time.sleep(0.2)
    _, errors = program.communicate()
    assert program.returncode == 2
    assert (503, "no_worker") in reasons
    assert errors.count("a worker did not start again, try ") == 3
    assert "error: " in errors.splitlines()[-1]
    assert "model.onnx: expected SHA-256" in errors.splitlines()[-1]


@pytest.mark.attack("a worker short of memory", "503, and it goes on")
def test_a_worker_that_is_short_of_memory_says_so() -> None:
    large = encoded(np.zeros((6000, 6000, 3), np.uint8), "PNG")
    code = (
        "from facial_emotion import limits\n"
        "limits.WORKER_BYTES, limits.PIXEL_BYTES = 60_000_000, 0\n"
        "from facial_emotion.serving import worker\n"
        "from facial_emotion.memory import limit_growth\n"
        "from facial_emotion.features.faces import Search\n"
        "import sys\n"
        "worker._load({})\n"
        "content = sys.stdin.buffer.read()\n"
        "limit_growth(60_000_000)\n"
        "try: print(worker.recognise('lightgbm', content, 10**9, Search()))\n"
        "except Exception as error: print(worker.is_memory_error(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=large, capture_output=True, check=False)
    assert done.stdout.decode().strip() == "True", done.stderr.decode()[-2000:]


@pytest.mark.attack("clients that leave while they send, or send no HTTP", "one line of log each at most")
def test_a_client_that_leaves_costs_a_line_of_log_at_most(tmp_path: Path) -> None:
    log = tmp_path / "errors"
    beginnings = [
        b"",
        b"GET / HT",
        b"\x16\x03\x01\x02\0nonsense\r\n\r\n",
        b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n\xff\xd8\xff",
        b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n\xff\xd8\xff",
        b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=a\r\n"
        b"Content-Length: 900\r\n\r\n--a\r\n",
        b"GET /models HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
        b"GET /recognize?" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ]
    with log.open("wb") as errors, server("--models", "lightgbm", "--workers", 1, stderr=errors) as url:
        for number in range(5 * len(beginnings)):
            connection = opened(url)
            connection.sendall(beginnings[number % len(beginnings)])
            time.sleep(0.02)
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
            connection.close()
        assert request(f"{url}/recognize", encoded(examples.frame()))[0] == 200
    assert len(log.read_text().splitlines()) <= 2 + 5 * len(beginnings), log.read_text()
    assert "Traceback" not in log.read_text()
