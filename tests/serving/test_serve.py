"""serve.py as its clients meet it: a server with two models, asked over HTTP."""

from __future__ import annotations

import io
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from facial_emotion import examples, recognizers
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.scene import faces_in

ROOT = Path(__file__).parent.parent.parent
MODELS = ("lightgbm", "cnn")
BODY = 300_000  # bytes that the server takes


def encoded(rgb: np.ndarray, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, kind)
    return stream.getvalue()


@contextmanager
def server(*words: object) -> Iterator[str]:
    """The address of serve.py with some words, once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = subprocess.Popen([sys.executable, "serve.py", "--port", str(port), *map(str, words)], cwd=ROOT)
    place = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert program.poll() is None
            with suppress(OSError):
                if ask(f"{place}/ready")[0] == 200:
                    break
            time.sleep(0.1)
        yield place
    finally:
        workers = psutil.Process(program.pid).children(recursive=True)
        program.terminate()
        program.wait(timeout=20)
        assert not psutil.wait_procs(workers, timeout=20)[1], "workers outlive the server"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    words = ("--models", ",".join(MODELS), "--workers", 2, "--max-waiting", 8, "--max-pixels", 2, "--timeout", 30)
    with server(*words, "--max-body", BODY / 1e6) as place:
        yield place


def ask(url: str, body: bytes | None = None) -> tuple[int, Any, Any]:
    """Status, JSON and headers."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/octet-stream"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


def test_a_picture_gives_the_faces_that_python_gives(address: str) -> None:
    content = encoded(examples.frame())
    for model in MODELS:
        status, answer, _ = ask(f"{address}/recognize?model={model}", content)
        assert status == 200
        assert (answer["model"], answer["width"], answer["height"]) == (model, 640, 480)
        (face,) = faces_in(content, recognizers.load(model, threads=1))
        (found,) = answer["faces"]
        assert (found["label"], found["box"], found["certain"]) == (face.label, face.box.tolist(), face.certain)
        np.testing.assert_allclose([found["probabilities"][name] for name in EMOTIONS], face.probabilities, atol=1e-4)
    assert ask(f"{address}/recognize", content)[1]["model"] == MODELS[0]


def test_no_face_is_an_empty_list(address: str) -> None:
    assert ask(f"{address}/recognize", encoded(np.zeros((90, 90, 3), dtype=np.uint8)))[1]["faces"] == []


def test_two_models_at_once_do_not_disturb_each_other(address: str) -> None:
    content = encoded(examples.frame())
    alone = {model: ask(f"{address}/recognize?model={model}", content)[1] for model in MODELS}
    asked = [MODELS[index % 2] for index in range(40)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda model: ask(f"{address}/recognize?model={model}", content), asked))
    assert [status for status, _, _ in answers] == [200] * 40
    assert [answer for _, answer, _ in answers] == [alone[model] for model in asked]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"hello", "5 bytes that are none"),
        (encoded(examples.frame())[:3000], "3000 bytes that are none"),
        (encoded(np.zeros((1500, 1500, 3), dtype=np.uint8)), "expected at most 2000000 pixels, found 1500 x 1500"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "that are none"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(address: str, body: bytes, said: str) -> None:
    status, answer, _ = ask(f"{address}/recognize", body)
    assert (status, answer["error"]["code"]) == (422, "no_picture")
    assert said in answer["error"]["message"]


def test_wrong_words_are_refused_in_the_same_form(address: str) -> None:
    status, answer, _ = ask(f"{address}/recognize?model=nobody", b"x")
    assert (status, answer["error"]["code"]) == (422, "invalid")
    assert "'lightgbm' or 'cnn'" in answer["error"]["message"]
    assert ask(f"{address}/nowhere")[:2] == (404, {"error": {"code": "not_found", "message": "Not Found"}})
    assert ask(f"{address}/recognize")[0] == 405


def test_a_body_over_the_limit_is_refused_unread(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(b"POST /recognize HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        assert b" 413 " in line.recv(4096)  # though nothing of it was sent
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(b"POST /recognize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(BODY // 65536 + 1):
            line.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
        assert b" 413 " in line.recv(4096)


def test_too_many_at_once_are_told_to_come_again(address: str) -> None:
    content = encoded(np.tile(examples.portrait(), (2, 3, 1)), "WEBP")
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: ask(f"{address}/recognize", content), range(80)))
    assert {status for status, _, _ in answers} == {200, 503}
    for status, answer, headers in answers:
        if status == 503:
            assert (answer["error"]["code"], headers["Retry-After"]) == ("busy", "1")
    assert ask(f"{address}/recognize", content)[0] == 200


def test_models_health_and_metrics(address: str) -> None:
    models = ask(f"{address}/models")[1]
    assert [(model["name"], model["default"]) for model in models] == [("lightgbm", True), ("cnn", False)]
    assert models[0]["accuracy"] == recognizers.card("lightgbm")["metrics"]["PrivateTest"]["accuracy"]
    assert ask(f"{address}/health")[1] == {"status": "alive"}
    ask(f"{address}/recognize", b"hello")
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        text = answer.read().decode()
    assert re.search(r'^requests_total\{path="/recognize",status="422"\} [1-9]', text, re.MULTILINE)
    assert re.search(r"^waiting 0.0$", text, re.MULTILINE)


def test_nothing_in_its_own_description_breaks_it(address: str, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    if not program.exists() and shutil.which("schemathesis") is None:
        pytest.skip("needs schemathesis: pip install schemathesis")
    words = ["run", f"{address}/openapi.json", "--max-examples", "25", "--seed", "1", "--no-color"]
    words += ["--exclude-checks", "positive_data_acceptance"]  # the description can't say what a picture is
    # In a folder of its own: it leaves its findings where it runs.
    done = subprocess.run(
        [str(program), *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout


def test_a_picture_that_takes_too_long_is_given_up() -> None:
    large = encoded(np.tile(examples.portrait(), (8, 8, 1)))
    with server("--models", "lightgbm", "--workers", 1, "--timeout", 0.1) as place:
        status, answer, _ = ask(f"{place}/recognize", large)
        assert (status, answer["error"]["code"]) == (504, "too_slow")


def test_an_unknown_model_is_said_before_anything_starts() -> None:
    words = [sys.executable, "serve.py", "--models", "nobody"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: model: expected one of ")
