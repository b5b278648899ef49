"""Benchmark of live video without browser and camera: a portrait that moves through 640 x 480 frames.

    python -m workshop benchmark video --model cnn --frames 2000

A frame's delay is the time of recognition and drawing. Past frame 500 memory growth is reported too.
"""

from __future__ import annotations

import time

import numpy as np

from facial_emotion import examples, recognizers
from facial_emotion.drawing import annotated
from facial_emotion.evaluation.timing import memory_mb
from facial_emotion.terminal import bar
from facial_emotion.threads import limit_threads
from facial_emotion.video.stream import Settings, Stream

SETTLED = 500  # frames after which memory growth is measured
_WARM_UP = 20  # frames that do not count


def frames(count: int) -> list[np.ndarray]:
    """Pictures uint8 RGB (480, 640, 3) with a face on a closed path, so that they can be repeated in a loop."""

    portrait = examples.portrait()[:300, 60:390]
    result = []
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        frame = np.full((*examples.FRAME, 3), 90, dtype=np.uint8)
        left, top = round(155 + 120 * np.cos(angle)), round(90 + 70 * np.sin(2 * angle))
        frame[top : top + 300, left : left + 330] = portrait
        result.append(frame)
    return result


def measure(name: str, count: int, threads: int, detection_interval: int) -> dict[str, float | str | int]:
    """Frames per second, delay (median, p95) and mean stages in milliseconds, and memory in MB."""

    limit_threads(threads)
    loop = frames(90)
    stream = Stream(Settings(recognizers.load(name, threads), detection_interval=detection_interval))
    delays, stages, settled_mb, numbers = list[float](), dict[str, float](), 0.0, set[int]()
    with bar(name, count) as advance:
        for index in range(count):
            start = time.perf_counter()
            result = stream.process(loop[index % len(loop)], index / 25)
            annotated(loop[index % len(loop)], result.faces, bars=True)
            delays.append((time.perf_counter() - start) * 1000)
            for stage, milliseconds in result.stages.items():
                stages[stage] = stages.get(stage, 0.0) + milliseconds / count
            numbers |= {face.number for face in result.faces}
            if index == SETTLED:
                settled_mb = memory_mb()
            advance()
    median, p95 = np.percentile(delays[_WARM_UP:], [50, 95])
    figures: dict[str, float | str | int] = {"model": name, "threads": threads, "frames": count, "faces": len(numbers)}
    figures |= {"frames_per_second": 1000 / float(np.mean(delays[_WARM_UP:]))}
    figures |= {"delay_ms": float(median), "delay_p95_ms": float(p95)}
    figures |= {f"{stage}_ms": milliseconds for stage, milliseconds in stages.items()}
    if count > SETTLED:
        figures |= {"memory_mb": settled_mb, "memory_growth_mb": memory_mb() - settled_mb}
    return {key: round(value, 2) if isinstance(value, float) else value for key, value in figures.items()}
