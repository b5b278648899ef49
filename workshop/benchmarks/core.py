"""Latency of the models on one processor core, as slow computers have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from threadpoolctl import threadpool_limits

from facial_emotion import examples, recognizers
from facial_emotion.evaluation import timing
from facial_emotion.evaluation.benchmark import label_of_frame
from facial_emotion.evaluation.results import host
from facial_emotion.records import Json, to_json
from facial_emotion.threads import limit_threads


def measure(names: Sequence[str], step: Callable[[], object]) -> Json:
    """The latency of each model's stages, in milliseconds; step is called for each. The process stays on one core."""
    if hasattr(os, "sched_setaffinity"):  # Linux; elsewhere the system moves the thread between cores
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    limit_threads(1)
    loaded = [recognizers.load(name, threads=1) for name in names]
    threadpool_limits(1)
    crops, frame = examples.crops(), examples.frame()
    figures: Json = {"host": host(1), "latency": {}}
    for recognizer in loaded:
        latency = timing.latency(recognizer, crops)
        latency["frame to label"] = timing.repeated(partial(label_of_frame, recognizer, frame), rounds=50)
        figures["latency"][recognizer.name] = {stage: to_json(spent) for stage, spent in latency.items()}
        step()
    return figures
