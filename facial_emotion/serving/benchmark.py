"""How many pictures a second a running server answers: one-face 640 x 480 JPEGs, from several clients at once.

    facial-emotion serve --models lightgbm --port 8000 &
    facial-emotion benchmark server --address 127.0.0.1:8000

Figures go to artifacts/results/serving.json.
"""

from __future__ import annotations

import http.client
import io
import threading
import time
from collections import Counter
from typing import Any

from facial_emotion.errors import InputError


def client(address: str, path: str, body: bytes, until: float, wait: float, spent: list[float], said: Counter) -> None:
    """Ask again and again over one connection, ``wait`` seconds from one start to the next at least."""
    line = http.client.HTTPConnection(address, timeout=30)
    while (began := time.perf_counter()) < until:
        line.request("POST", path, body, {"Content-Type": "image/jpeg"})
        answer = line.getresponse()
        found = answer.read()
        spent.append(1000 * (time.perf_counter() - began))
        said[answer.status if answer.status != 200 or b'"label"' in found else "no face"] += 1
        time.sleep(max(0.0, wait - (time.perf_counter() - began)))


def measure(address: str, model: str, seconds: float, clients: int, rate: float) -> dict[str, Any]:
    """Answers a second, by status, and milliseconds of an answer."""
    import numpy as np
    from PIL import Image

    from facial_emotion import examples

    stream = io.BytesIO()
    Image.fromarray(examples.frame()).save(stream, "JPEG", quality=90)
    spent: list[float] = []
    said: Counter = Counter()
    began = time.perf_counter()
    given = (address, f"/recognize?model={model}", stream.getvalue(), began + seconds, clients / rate, spent, said)
    threads = [threading.Thread(target=client, args=given) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if not spent:
        raise InputError(address, "answers", "none", "start serve.py and wait for /ready")
    median, p95 = np.percentile(spent, [50, 95])
    return {
        "model": model,
        "asked_a_second": rate,
        "answered_a_second": len(spent) / took,
        "statuses": {str(status): count for status, count in sorted(said.items(), key=str)},
        "median_ms": float(median),
        "p95_ms": float(p95),
        "clients": clients,
        "seconds": took,
    }
