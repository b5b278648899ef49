"""The server under good and hostile requests at once: the good ones are answered, and nothing is left behind."""

from __future__ import annotations

import io
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest
from PIL import Image

from facial_emotion import examples
from tests.features.test_hostile_pictures import png
from tests.made import many_scans
from tests.serving.test_serve import encoded, request, server

LIMIT = 10.0  # seconds of a request
FORM = {"Content-Type": "multipart/form-data; boundary=limit"}


def bomb() -> bytes:
    """36 megapixels with transparency in some kilobytes."""
    stream = io.BytesIO()
    Image.new("RGBA", (6000, 6000), (200, 100, 50, 120)).save(stream, "PNG", compress_level=9)
    return stream.getvalue()


def hostile(url: str) -> list[Callable[[], int]]:
    """Hostile requests; each returns its status, or 0 where the connection ended without one."""
    host, port = url.removeprefix("http://").split(":")
    good = encoded(examples.frame())

    def sent(body: bytes, query: str = "", headers: dict[str, str] | None = None) -> Callable[[], int]:
        return lambda: int(request(f"{url}/recognize{query}", body, headers)[0])

    def raw(head: bytes, pause: float) -> int:
        with socket.create_connection((host, int(port)), timeout=LIMIT + 10) as connection:
            connection.sendall(head)
            time.sleep(pause)
        return 0

    def unread() -> int:
        with socket.create_connection((host, int(port)), timeout=1.0) as connection, suppress(TimeoutError):
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300)
        return 0

    head = b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
    return [
        sent(good[:2000]),
        sent(b"hello"),
        sent(b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        sent(good, "?modle=cnn"),
        sent(good, headers={"Content-Encoding": "gzip"}),
        sent(b"--limit--\r\n", headers=FORM),
        sent(bomb()),
        sent(png(2_000_000, 1)),
        sent(png(60_000, 1), "?min_face=24"),
        sent(good, headers={"Host": "elsewhere"}),
        unread,
        sent(many_scans(Image.new("RGB", (5000, 5000)), 5000)),
        sent(encoded(examples.portrait(), "BMP") * 20),
        lambda: raw(b"", 1.0),
        lambda: raw(b"POST /recog", 1.0),
        lambda: raw(head + good, 1.0),  # the rest never comes
        lambda: raw(
            b"POST /recognize HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(good) + good, 0.0
        ),
    ]


def memory(process: psutil.Process) -> float:
    """Megabytes of a process and its children."""
    return float(sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 1e6)


@pytest.mark.attack("ten minutes of good and hostile requests", "good ones: 200 or 503, in under 2 s")
def test_good_requests_are_answered_among_hostile_ones(whole: bool) -> None:
    seconds = 600.0 if whole else 4.0
    good = encoded(examples.frame())
    slowest, statuses = 0.0, Counter[int]()
    with server("--models", "lightgbm", "--workers", 2, "--timeout", LIMIT, "--max-waiting", 16) as url:
        process = next(each for each in psutil.Process().children() if "serve.py" in each.cmdline())
        start, end = memory(process), time.monotonic() + seconds
        attacks = hostile(url)

        def attack(seed: int) -> None:
            rng = random.Random(seed)
            while time.monotonic() < end:
                with suppress(OSError):
                    status = rng.choice(attacks)()
                    assert status in (0, 200, 400, 413, 415, 421, 422, 503, 504), status

        with ThreadPoolExecutor(6) as pool:
            attackers = [pool.submit(attack, seed) for seed in range(6)]
            while time.monotonic() < end:
                began = time.monotonic()
                status, answer, headers = request(f"{url}/recognize", good)
                slowest = max(slowest, time.monotonic() - began)
                statuses[status] += 1
                assert status == 200 or (status == 503 and "Retry-After" in headers), (status, answer)
            for each in attackers:
                each.result()
        assert request(f"{url}/recognize", good)[0] == 200
        grown = memory(process) - start
    assert statuses[200] > 0
    assert slowest < (2 if whole else LIMIT)
    assert grown < 400, f"{grown:.0f} MB more than at the start"
