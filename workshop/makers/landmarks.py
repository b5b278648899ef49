"""Training of the landmark predictor: MediaPipe's face mesh, distilled to FER2013's small crops.

Of the mesh's 468 points 68 are used. It predicts the points of each crop of Training six times: of the crop and its
mirror image, framed in three ways. Where the predictions agree, their median is a training target.

    pip download --no-deps mediapipe==0.10.14
    python -m workshop landmarks --mesh mediapipe-0.10.14-*.whl --data fer2013.csv.xz --out features/landmarks.dat
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from facial_emotion.errors import InputError
from facial_emotion.features.landmarks import MIRROR, POINTS, RECTANGLE, UPSAMPLE, enlarge
from facial_emotion.paths import replacing
from facial_emotion.terminal import bar
from facial_emotion.threads import limit_threads

MESH_MODEL = "mediapipe/modules/face_landmark/face_landmark.tflite"
MESH_SHA256 = "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"
_ADVICE = "pip download --no-deps mediapipe==0.10.14"  # where the mesh isn't found
SAMPLE = 16_000  # crops that the teacher labels; its predictions agree on most
MAX_DEVIATION = 1.0  # crop pixels: mean deviation of the predictions from their median at which a crop is discarded
_MARGINS = (6, 8, 10)  # crop pixels around a crop, for the mesh, which was made for more of the head
_MESH_SIDE = 192  # pixels of the mesh's input
_SURE = 0.0  # the mesh's log-odds that there is a face
# The mesh's vertices at the 68 points.
_VERTICES = np.array(
    [
        *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),  # jaw
        *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301),  # brows
        *(168, 197, 5, 4, 75, 97, 2, 326, 305),  # nose
        *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
        *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),  # lips, outside
        *(78, 82, 13, 312, 308, 317, 14, 87),  # lips, inside
    ]
)

# A teacher's predictions of a crop, framed in three ways: uint8 (48, 48) -> float32 (3, 68, 2) in crop pixels, or None
# where it sees no face.
Teacher = Callable[[np.ndarray], np.ndarray | None]


def mesh_teacher(wheel: Path) -> Teacher:
    """MediaPipe's face mesh, from the package's wheel. Raises InputError."""
    import tensorflow

    interpreter = tensorflow.lite.Interpreter(model_content=_mesh_model(wheel), num_threads=1)
    interpreter.allocate_tensors()
    (given,), (points, presence) = interpreter.get_input_details(), interpreter.get_output_details()

    def look(crop: np.ndarray) -> np.ndarray | None:
        predictions = []
        for margin in _MARGINS:
            side = len(crop) + 2 * margin
            padded = cv2.copyMakeBorder(crop, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
            grey = cv2.resize(padded, (_MESH_SIDE, _MESH_SIDE), interpolation=cv2.INTER_CUBIC)
            picture = np.repeat(grey[None, ..., None], 3, axis=3).astype(np.float32) / 255
            interpreter.set_tensor(given["index"], picture)
            interpreter.invoke()
            if interpreter.get_tensor(presence["index"]).item() < _SURE:
                return None
            vertices = interpreter.get_tensor(points["index"]).reshape(-1, 3)[_VERTICES, :2]
            predictions.append((vertices + 0.5) * (side / _MESH_SIDE) - 0.5 - margin)
        return np.array(predictions, dtype=np.float32)

    return look


@cache
def _teacher(wheel: Path) -> Teacher:
    """The teacher, made once in each process."""
    return mesh_teacher(wheel)


def _mesh_model(wheel: Path) -> bytes:
    """The face mesh in a wheel of mediapipe 0.10.14."""
    try:
        with zipfile.ZipFile(wheel) as content:
            model = content.read(MESH_MODEL)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(wheel, f"a wheel with {MESH_MODEL}", f"{type(error).__name__}: {error}", _ADVICE) from error
    digest = hashlib.sha256(model).hexdigest()
    if digest != MESH_SHA256:
        raise InputError(wheel, f"{MESH_MODEL} with the SHA-256 {MESH_SHA256[:12]}…", f"{digest[:12]}…", _ADVICE)
    return model


def teacher_predictions(teacher: Teacher, crop: np.ndarray) -> np.ndarray | None:
    """A teacher's six predictions of a crop's points, float32 (6, 68, 2), in crop pixels; None without a face."""
    as_it_is, mirrored = teacher(crop), teacher(np.ascontiguousarray(crop[:, ::-1]))
    if as_it_is is None or mirrored is None:
        return None
    return np.concatenate([as_it_is, _mirrored(mirrored, crop)])


def _mirrored(points: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """The points (..., 68, 2) of the mirrored crop."""
    result: np.ndarray = points[..., MIRROR, :] * [-1, 1] + [crop.shape[1] - 1, 0]
    return result.astype(np.float32)


def training_pairs(crops: np.ndarray, threads: int, wheel: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Inputs and targets for the student: the crops on which the mesh's predictions agree, and their median points.

    crops: uint8 (n, 48, 48). Every other crop is mirrored, with its points (68, 2). wheel: mediapipe's.
    """
    from joblib import Parallel, delayed

    parts = np.array_split(crops, max(1, len(crops) // 200))
    inputs: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    with bar("teacher's predictions", len(parts)) as step:
        tasks = (delayed(_training_pairs)(part, wheel) for part in parts)
        for part_inputs, part_targets in Parallel(n_jobs=threads, return_as="generator")(tasks):
            inputs += part_inputs
            targets += part_targets
            step()
    return inputs, targets


def _training_pairs(crops: np.ndarray, wheel: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The training pairs of one part of the crops."""
    limit_threads(1)  # the processes are parallel already
    teacher = _teacher(wheel)
    inputs, targets = [], []
    for number, crop in enumerate(crops):
        predictions = teacher_predictions(teacher, crop)
        if predictions is None:
            continue
        points = np.median(predictions, axis=0)
        if np.abs(predictions - points).mean() >= MAX_DEVIATION:
            continue
        mirrored = number % 2 == 1
        inputs.append(crop[:, ::-1] if mirrored else crop)
        targets.append(_mirrored(points, crop) if mirrored else points)
    return inputs, targets


def train(crops: list[np.ndarray], points: list[np.ndarray], out: Path, threads: int, seed: int) -> None:
    """Train a predictor (Kazemi and Sullivan, CVPR 2014) on crops and their points (68, 2), and save it."""
    import dlib

    options = dlib.shape_predictor_training_options()
    options.cascade_depth = 8  # few and deep trees: the time is that of reading a leaf of each
    options.num_trees_per_cascade_level = 125
    options.tree_depth = 5
    options.nu = 0.1
    options.feature_pool_size = 400
    options.num_test_splits = 30
    options.oversampling_amount = 5
    options.oversampling_translation_jitter = 0.05
    options.random_seed = str(seed)
    options.num_threads = threads
    rectangle = dlib.rectangle(*(UPSAMPLE * edge for edge in RECTANGLE))
    faces = []
    for face in points:
        enlarged_points = np.rint((face + 0.5) * UPSAMPLE - 0.5).astype(int)
        faces.append([dlib.full_object_detection(rectangle, [dlib.point(int(x), int(y)) for x, y in enlarged_points])])
    predictor = dlib.train_shape_predictor([enlarge(crop) for crop in crops], faces, options)
    with replacing(out) as scratch:
        predictor.save(str(scratch))


def train_on(training: np.ndarray, mesh: Path, out: Path, threads: int, seed: int) -> str:
    """Distil a predictor on a sample of Training's crops (n, 48, 48) and save it; a line that reports it.

    mesh: the wheel of mediapipe.
    """
    rows = np.random.default_rng(seed).permutation(len(training))[:SAMPLE]
    crops, points = training_pairs(training[rows], threads, mesh)
    out.parent.mkdir(parents=True, exist_ok=True)
    train(crops, points, out, threads, seed)
    size = out.stat().st_size / 1e6
    return (
        f"{out}: {size:.1f} MB, {POINTS} points; the teacher's predictions agreed on {len(crops)} of {len(rows)} crops"
    )
