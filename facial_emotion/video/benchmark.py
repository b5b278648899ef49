"""How live video does on this machine, without browser and camera: a portrait that wanders through 640 x 480 frames.

    facial-emotion benchmark video --model cnn --frames 2000

A frame's delay is what it waits here: recognising it and drawing on it. Past frame 500 it also says how memory grew.
"""

from __future__ import annotations

import time

import numpy as np

SETTLED = 500  # frames after which memory is taken as the start


def frames(count: int) -> list[np.ndarray]:
    """Pictures uint8 RGB (480, 640, 3) with a face on a closed path, so that they can be shown again and again."""
    from facial_emotion import examples

    portrait = examples.portrait()[:300, 60:390]
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    made = []
    for turn in turns:
        frame = np.full((*examples.FRAME, 3), 90, dtype=np.uint8)
        left, top = round(155 + 120 * np.cos(turn)), round(90 + 70 * np.sin(2 * turn))
        frame[top : top + 300, left : left + 330] = portrait
        made.append(frame)
    return made


def measure(name: str, count: int, threads: int, every: int) -> dict[str, float | str | int]:
    """Frames a second, delay in milliseconds (median, p95), stages (mean milliseconds) and memory in MB."""
    from facial_emotion import recognizers
    from facial_emotion.drawing import annotated
    from facial_emotion.evaluation.timing import memory_mb
    from facial_emotion.terminal import bar
    from facial_emotion.threads import limit_threads
    from facial_emotion.video.stream import Settings, Stream

    limit_threads(threads)
    path = frames(90)
    stream = Stream(Settings(recognizers.load(name, threads), every=every))
    delays, spent, settled, numbers = [], dict[str, float](), 0.0, set[int]()
    with bar(name, count) as step:
        for index in range(count):
            start = time.perf_counter()
            view = stream.process(path[index % len(path)], index / 25)
            annotated(path[index % len(path)], view.faces, bars=True)
            delays.append((time.perf_counter() - start) * 1000)
            for stage, milliseconds in view.stages.items():
                spent[stage] = spent.get(stage, 0.0) + milliseconds / count
            numbers |= {face.number for face in view.faces}
            if index == SETTLED:
                settled = memory_mb()
            step()
    median, p95 = np.percentile(delays[20:], [50, 95])
    found: dict[str, float | str | int] = {"model": name, "threads": threads, "frames": count, "faces": len(numbers)}
    found |= {"frames_per_second": 1000 / float(np.mean(delays[20:])), "delay_ms": median, "delay_p95_ms": p95}
    found |= {f"{stage}_ms": milliseconds for stage, milliseconds in spent.items()}
    if count > SETTLED:
        found |= {"memory_mb": settled, "memory_growth_mb": memory_mb() - settled}
    return {key: round(value, 2) if isinstance(value, float) else value for key, value in found.items()}
