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
        head = f"POST /recognize?{SLOW} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(large)}\r\n\r\n".encode()
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
    first, second = log.read_text().splitlines()
    assert first == f"{url}: starting, with cnn as the default model; workers: 1"
    assert re.fullmatch(r"ready; workers: 1, \d+ MB of memory each", second) or sys.platform != "linux"
