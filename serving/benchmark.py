"""How many pictures a second a running server answers: one-face 640 x 480 JPEGs, from several clients at once.

    python serve.py --models lightgbm --port 8000 &
    python -m serving.benchmark --address 127.0.0.1:8000

Figures go to artifacts/results/serving.json.
"""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click

from errors import InputError, run

FOUND = Path(__file__).resolve().parent.parent / "artifacts" / "results" / "serving.json"


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

    import examples

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


@click.command(epilog="Example: python -m serving.benchmark --address 127.0.0.1:8000 --rate 50")
@click.option("--address", default="127.0.0.1:8000", show_default=True, help="Of a server that is ready.")
@click.option("--model", default="lightgbm", show_default=True, help="A model that it serves.")
@click.option(
    "--rate", default=200.0, show_default=True, type=click.FloatRange(1), help="Requests a second to try for."
)
@click.option("--clients", default=16, show_default=True, type=click.IntRange(1), help="Connections.")
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(1))
@click.option("--out", type=click.Path(path_type=Path), help="By default artifacts/results/serving.json.")
def main(address: str, model: str, rate: float, clients: int, seconds: float, out: Path | None) -> None:
    """Ask a running server for a while and say how it did."""
    from evaluation.results import host

    figures = {**measure(address, model, seconds, clients, rate), "host": host(1)}
    (out or FOUND).write_text(json.dumps(figures, indent=1) + "\n")
    click.echo(
        f"{figures['answered_a_second']:.1f} answers a second of {rate:g} asked, {figures['statuses']},"
        f" {figures['median_ms']:.0f} ms (p95 {figures['p95_ms']:.0f})"
    )


if __name__ == "__main__":
    run(main)
