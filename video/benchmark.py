"""How live video does on this machine, without browser and camera: a portrait that wanders through 640 x 480 frames.

    python -m video.benchmark --model cnn --frames 2000

A frame's delay is what it waits here: recognising it and drawing on it. Past frame 500 it also says how memory grew.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
import numpy as np

from errors import run

SETTLED = 500  # frames after which memory is taken as the start


def frames(count: int) -> list[np.ndarray]:
    """Pictures uint8 RGB (480, 640, 3) with a face on a closed path, so that they can be shown again and again."""
    import examples

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
    import cv2

    import recognizers
    from drawing import annotated
    from evaluation.timing import memory_mb
    from terminal import bar
    from video.stream import Settings, Stream

    cv2.setNumThreads(threads)
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


@click.command(epilog="Example: python -m video.benchmark --model cnn --frames 2000")
@click.option("--model", default="lightgbm", show_default=True, help="A trained model's name.")
@click.option("--frames", "count", default=1000, show_default=True, type=click.IntRange(50))
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1), help="CPU threads.")
@click.option("--every", default=0, type=click.IntRange(0), help="Frames between detections; 0: as times allow.")
@click.option("--out", type=click.Path(path_type=Path), help="By default artifacts/results/live.json.")
def main(model: str, count: int, threads: int, every: int, out: Path | None) -> None:
    """Measure live recognition frame by frame and write it as JSON."""
    found = measure(model, count, threads, every)
    path = out or Path(__file__).parent.parent / "artifacts" / "results" / "live.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
    for key, value in found.items():
        click.echo(f"{key:18} {value}")


if __name__ == "__main__":
    run(main)
