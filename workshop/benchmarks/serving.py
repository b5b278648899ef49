"""Throughput benchmark of the server: 640 x 480 JPEGs with one face, from several clients at once.

    python -m workshop benchmark server --model cnn-ferplus

Figures go to results/serving.json.
"""

from __future__ import annotations

import http.client
import io
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypedDict

from facial_emotion import examples
from facial_emotion.errors import InputError


class Figures(TypedDict):
    """Results: requests per second tried and answered, responses by status, latency in ms, duration in seconds."""

    model: str
    asked_a_second: float
    answered_a_second: float
    statuses: dict[str, int]
    median_ms: float
    p95_ms: float
    clients: int
    seconds: float


@dataclass
class Responses:
    """Responses collected by all clients: latencies in milliseconds, and counts by status."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


@contextmanager
def started(model: str) -> Iterator[str]:
    """A server of one model with the settings it has by default; yields its address when it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
    command = [sys.executable, "-m", "facial_emotion", "serve", "--models", model, "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = "no words"
            for line in process.stderr:
                if line.startswith("ready"):
                    break
            else:
                raise InputError("facial-emotion serve", "a server that gets ready", line.strip())
            yield f"{host}:{port}"
        finally:
            process.terminate()


def request_repeatedly(address: str, path: str, body: bytes, end: float, interval: float, responses: Responses) -> None:
    """Send requests over one connection until ``end``, one every ``interval`` seconds at most."""
    connection = http.client.HTTPConnection(address, timeout=30)
    while (start := time.perf_counter()) < end:
        connection.request("POST", path, body, {"Content-Type": "image/jpeg"})
        response = connection.getresponse()
        content = response.read()
        responses.latencies.append(1000 * (time.perf_counter() - start))
        no_face = response.status == 200 and b'"label"' not in content
        responses.statuses["no face" if no_face else str(response.status)] += 1
        time.sleep(max(0.0, interval - (time.perf_counter() - start)))


def measure(address: str, model: str, seconds: float, clients: int, rate: float) -> Figures:
    """Measure throughput and latency. rate: requests per second to try, by all clients together."""
    import numpy as np
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(examples.frame()).save(stream, "JPEG", quality=90)
    responses, path = Responses(), f"/recognize?model={model}"
    start = time.perf_counter()
    arguments = (address, path, stream.getvalue(), start + seconds, clients / rate, responses)
    threads = [threading.Thread(target=request_repeatedly, args=arguments) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    duration = time.perf_counter() - start
    if not responses.latencies:
        raise InputError(
            address, "responses", "none", "start facial-emotion serve and wait for /ready, or leave --address out"
        )
    median, p95 = np.percentile(responses.latencies, [50, 95])
    return {
        "model": model,
        "asked_a_second": rate,
        "answered_a_second": len(responses.latencies) / duration,
        "statuses": dict(sorted(responses.statuses.items())),
        "median_ms": float(median),
        "p95_ms": float(p95),
        "clients": clients,
        "seconds": duration,
    }
