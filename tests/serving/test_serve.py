"""serve.py over HTTP: a server with two models."""

from __future__ import annotations

import gzip
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
from facial_emotion.serving.connections import url_of

ROOT = Path(__file__).parent.parent.parent
MODELS = ("lightgbm", "cnn")
MAX_BODY = 300_000  # bytes
SMALL = examples.portrait()[:64, :64]


def encoded(rgb: np.ndarray, form: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, form)
    return stream.getvalue()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def server(*options: object, **settings: Any) -> Iterator[str]:
    """Run serve.py with the given options; yields its address when it is ready. settings: of the process."""
    port = free_port()
    command = [sys.executable, "serve.py", "--port", str(port), *map(str, options)]
    program = subprocess.Popen(command, cwd=ROOT, **settings)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert program.poll() is None
            with suppress(OSError):
                if request(f"{url}/ready")[0] == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        workers = psutil.Process(program.pid).children(recursive=True)
        program.terminate()
        program.wait(timeout=20)
        assert not psutil.wait_procs(workers, timeout=20)[1], "workers outlive the server"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    options = ("--models", ",".join(MODELS), "--workers", 2, "--max-waiting", 8, "--max-pixels", 2, "--timeout", 30)
    with server(*options, "--max-body", MAX_BODY / 1e6) as url:
        yield url


def request(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any, Any]:
    """Status, parsed JSON and headers of a response."""
    kind = {"Content-Type": "application/octet-stream"} if body else {}
    message = urllib.request.Request(url, body, {**kind, **(headers or {})})
    try:
        with urllib.request.urlopen(message, timeout=60) as response:
            return response.status, json.loads(response.read()), response.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


def test_http_and_python_give_the_same_faces(address: str) -> None:
    content = encoded(examples.frame())
    for model in MODELS:
        status, answer, _ = request(f"{address}/recognize?model={model}", content)
        assert status == 200
        assert (answer["model"], answer["width"], answer["height"]) == (model, 640, 480)
        (face,) = faces_in(content, recognizers.load(model, threads=1))
        (result,) = answer["faces"]
        assert (result["label"], result["box"], result["certain"]) == (face.label, face.box.tolist(), face.certain)
        np.testing.assert_allclose([result["probabilities"][name] for name in EMOTIONS], face.probabilities, atol=1e-4)
    assert request(f"{address}/recognize", content)[1]["model"] == MODELS[0]


def test_detector_and_smallest_face_can_be_chosen(address: str) -> None:
    content = encoded(examples.frame())
    faces = {
        name: request(f"{address}/recognize?detector={name}&min_face=60", content)[1]["faces"]
        for name in ("centerface", "dlib")
    }
    assert [len(found) for found in faces.values()] == [1, 1]
    assert faces["centerface"][0]["box"] != faces["dlib"][0]["box"]
    assert 0.4 < faces["centerface"][0]["detection"] <= 1
    for query in ("detector=haar", "min_face=3", "min_face=nan"):
        assert request(f"{address}/recognize?{query}", content)[0] == 422


def test_no_face_is_an_empty_list(address: str) -> None:
    assert request(f"{address}/recognize", encoded(np.zeros((90, 90, 3), dtype=np.uint8)))[1]["faces"] == []


def test_concurrent_requests_to_two_models_are_independent(address: str) -> None:
    content = encoded(examples.frame())
    expected = {model: request(f"{address}/recognize?model={model}", content)[1] for model in MODELS}
    models = [MODELS[index % 2] for index in range(40)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda model: request(f"{address}/recognize?model={model}", content), models))
    assert [status for status, _, _ in answers] == [200] * 40
    assert [answer for _, answer, _ in answers] == [expected[model] for model in models]


@pytest.mark.attack("damaged and too large pictures by HTTP", "422 and the reason")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xd8\xff", "3 bytes that are none"),
        (encoded(examples.frame())[:3000], "3000 bytes that are none"),
        (encoded(np.zeros((1500, 1500, 3), dtype=np.uint8)), "expected at most 2000000 pixels, found 1500 x 1500"),
    ],
)
def test_invalid_pictures_are_rejected_with_a_reason(address: str, body: bytes, reason: str) -> None:
    status, answer, _ = request(f"{address}/recognize", body)
    assert (status, answer["error"]["code"]) == (422, "no_picture")
    assert reason in answer["error"]["message"]


@pytest.mark.attack("PostScript, GIF, TIFF and text by HTTP", "415 and what is taken")
@pytest.mark.parametrize(
    "body",
    [b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", encoded(SMALL, "GIF"), encoded(SMALL, "TIFF")],
    ids=["text", "PostScript", "GIF", "TIFF"],
)
def test_other_types_are_refused_with_those_that_are_taken(address: str, body: bytes) -> None:
    status, answer, _ = request(f"{address}/recognize", body, {"Content-Type": "image/jpeg"})
    assert (status, answer["error"]["code"]) == (415, "unsupported")
    assert "expected a JPEG, PNG, WEBP or BMP picture, found" in answer["error"]["message"]


def form(*names: str) -> tuple[bytes, dict[str, str]]:
    """A form with the example's frame as the file of each name, and its headers."""
    parts = [
        f'--limit\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.jpg"\r\n\r\n'.encode()
        + encoded(examples.frame())
        for name in names
    ]
    return b"\r\n".join([*parts, b"--limit--\r\n"]), {"Content-Type": "multipart/form-data; boundary=limit"}


@pytest.mark.attack("forms with one, no and two files", "one is taken, others are 400")
def test_the_file_of_a_form_is_taken(address: str) -> None:
    body, headers = form("picture")
    plain = request(f"{address}/recognize", encoded(examples.frame()))
    assert request(f"{address}/recognize", body, headers)[:2] == plain[:2]
    for body, headers in (form("first", "second"), form(), (b"", {"Content-Type": "multipart/form-data"})):
        status, answer, _ = request(f"{address}/recognize", body or b"x", headers)
        assert (status, answer["error"]["code"]) == (400, "invalid_form"), answer
    large = form("picture")[0].replace(b"--limit--", bytes(MAX_BODY + 20_000) + b"--limit--")
    assert request(f"{address}/recognize", large, form("picture")[1])[0] == 413


@pytest.mark.attack("a gzip body", "415 and a sentence")
def test_a_compressed_body_is_refused_with_a_sentence(address: str) -> None:
    status, answer, _ = request(
        f"{address}/recognize", gzip.compress(encoded(examples.frame())), {"Content-Encoding": "gzip"}
    )
    assert (status, answer["error"]["code"]) == (415, "encoded")
    assert answer["error"]["message"].startswith("send the picture as it is")


@pytest.mark.attack("unknown models, words, paths, another host", "JSON errors, no redirection")
def test_all_errors_have_the_same_form(address: str) -> None:
    status, answer, _ = request(f"{address}/recognize?model=nobody", b"x")
    assert (status, answer["error"]["code"]) == (422, "invalid")
    assert "'lightgbm' or 'cnn'" in answer["error"]["message"]
    status, answer, _ = request(f"{address}/recognize?modle=cnn", encoded(examples.frame()))
    assert (status, answer["error"]["message"]) == (422, "query.modle: Extra inputs are not permitted")
    assert request(f"{address}/nowhere")[:2] == (404, {"error": {"code": "not_found", "message": "Not Found"}})
    assert request(f"{address}/recognize")[0] == 405
    assert request(f"{address}/models/")[0] == 404  # not redirected


@pytest.mark.attack("a body of a gigabyte", "413, unread")
def test_a_body_over_the_limit_is_rejected_unread(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        assert b" 413 " in connection.recv(4096)  # before any of the body was sent
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(MAX_BODY // 65536 + 1):
            connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
        assert b" 413 " in connection.recv(4096)


@pytest.mark.attack("more requests than may wait", "503 and when to come again")
def test_requests_over_the_limit_get_a_retry_header(address: str) -> None:
    content = encoded(np.tile(examples.portrait(), (2, 3, 1)))
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: request(f"{address}/recognize", content), range(80)))
    assert {status for status, _, _ in answers} == {200, 503}
    for status, answer, headers in answers:
        if status == 503:
            assert (answer["error"]["code"], headers["Retry-After"]) == ("busy", "1")
    assert request(f"{address}/recognize", content)[0] == 200


def test_models_health_and_metrics(address: str) -> None:
    models = request(f"{address}/models")[1]
    assert [(model["name"], model["default"]) for model in models] == [("lightgbm", True), ("cnn", False)]
    assert models[0]["accuracy"] == recognizers.card("lightgbm").metrics["PrivateTest"].accuracy
    assert request(f"{address}/health")[1] == {"status": "alive"}
    request(f"{address}/recognize", b"hello")
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        text = answer.read().decode()
    assert re.search(r'^facial_emotion_requests_total\{path="/recognize",status="415"\} [1-9]', text, re.MULTILINE)
    assert re.search(r"^facial_emotion_waiting 0.0$", text, re.MULTILINE)
    for path in ("health", "metrics"):
        with urllib.request.urlopen(urllib.request.Request(f"{address}/{path}", method="HEAD")) as answer:
            assert (answer.status, answer.read()) == (200, b"")


def test_the_address_of_a_server_is_a_url() -> None:
    assert url_of("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert url_of("::1", 8000) == "http://[::1]:8000"


def test_the_documentation_needs_no_other_server(address: str) -> None:
    with urllib.request.urlopen(f"{address}/docs") as page:
        text = page.read().decode()
    assert "swagger-ui" in text
    assert re.findall(r'(?:src|href)="https?:', text) == []


@pytest.mark.attack("idle and half requests", "closed within seconds")
def test_connections_that_send_no_request_are_closed(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    beginnings = [
        b"",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /",
    ]
    connections = [socket.create_connection((host, int(port)), timeout=20) for _ in beginnings]
    for connection, beginning in zip(connections, beginnings, strict=True):
        connection.sendall(beginning)
    for connection in connections:
        while connection.recv(4096):  # the answer, if any, and then the end
            pass
        connection.close()


def test_the_openapi_description_is_correct(address: str, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    if not program.exists() and shutil.which("schemathesis") is None:
        pytest.skip("needs schemathesis: pip install schemathesis")
    options = ["run", f"{address}/openapi.json", "--max-examples", "25", "--seed", "1", "--no-color"]
    options += ["--exclude-checks", "positive_data_acceptance"]  # OpenAPI can't describe valid pictures
    # It writes its findings into the working directory.
    done = subprocess.run(
        [str(program), *options], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.attack("a foreign Host, as of a page whose name points here", "421 and what is expected")
@pytest.mark.parametrize(
    "host", ["elsewhere", "elsewhere:80", "127.0.0.1.elsewhere", "[::2]", "localhost.", "x@localhost"]
)
def test_only_the_names_of_this_machine_are_answered_on_loopback(address: str, host: str) -> None:
    status, answer, headers = request(f"{address}/models", headers={"Host": host})
    assert (status, answer["error"]["code"], headers["Connection"]) == (421, "unknown_host", "close")
    assert "expected the host localhost, 127.0.0.1, [::1], found" in answer["error"]["message"]
    for known in ("localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "[::1]"):
        assert request(f"{address}/models", headers={"Host": known})[0] == 200
    assert "Access-Control-Allow-Origin" not in request(f"{address}/models", headers={"Origin": "http://a.b"})[2]


def test_hosts_and_origins_may_be_named() -> None:
    options = (
        "--models",
        "lightgbm",
        "--workers",
        1,
        "--allowed-hosts",
        "a.b,127.0.0.1",
        "--allow-origins",
        "http://c.d",
    )
    with server(*options) as url:
        assert request(f"{url}/models", headers={"Host": "a.b"})[0] == 200
        assert request(f"{url}/models", headers={"Host": "localhost"})[0] == 421
        headers = request(f"{url}/models", headers={"Origin": "http://c.d"})[2]
        assert headers["Access-Control-Allow-Origin"] == "http://c.d"
        assert "Access-Control-Allow-Origin" not in request(f"{url}/models", headers={"Origin": "http://e.f"})[2]
