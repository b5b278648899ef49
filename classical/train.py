"""Fit a classical model on Training, calibrate it on PublicTest, and write it to artifacts/.

python -m classical.train lightgbm --data fer2013.csv.xz
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from classical import lightgbm_model, svm_model, xgboost_model
from classical.task import Fitted, Task
from cluster import connect
from data import fer2013
from errors import InputError, run

if TYPE_CHECKING:
    from distributed import Client

# One line here makes a model trainable and tunable; recipes/<name>.json says how.
MODELS: dict[str, Callable[[Task, dict[str, Any]], Fitted]] = {
    "lightgbm": lightgbm_model.fit,
    "xgboost": xgboost_model.fit,
    "svm": svm_model.fit,
}
RECIPES = Path(__file__).parent / "recipes"
LICENCE = (
    "MIT for the model. Its landmark predictor was taught by dlib's 68-point model, trained on iBUG 300-W, whose "
    "licence excludes commercial use. Trained on FER2013, which was made for research."
)
_LIBRARIES = ("numpy", "scikit-learn", "opencv-python-headless", "dlib-bin", "lightgbm", "xgboost-cpu", "onnx")


def task_for(
    data: fer2013.Fer2013, recipe: dict[str, Any], seed: int, threads: int, client: Client | None = None
) -> Task:
    """Features of Training and PublicTest as a recipe asks for them; extracted once, then cached."""
    from joblib import parallel_config

    from features.extract import column_ranges, extract_cached, mirror_of

    with parallel_config("dask") if client is not None else nullcontext():
        features = extract_cached(data.crops, recipe["features"], fer2013.CACHE, threads)
    training, held_out = data.split("Training"), data.split("PublicTest")
    return Task(
        np.asarray(features[training.rows]),
        training.labels,
        np.asarray(features[held_out.rows]),
        held_out.labels,
        mirror_of(recipe["features"]),
        column_ranges(recipe["features"]),
        seed,
        threads,
        client,
    )


def read_recipe(path: Path) -> dict[str, Any]:
    """A recipe from JSON: "features" and "fit"."""
    try:
        recipe = json.loads(path.read_text())
        if isinstance(recipe["features"], dict) and isinstance(recipe["fit"], dict):
            return recipe
        raise KeyError("features, fit")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            path, 'a recipe in JSON with "features" and "fit"', f"{type(error).__name__}: {error}"
        ) from error


def with_rounds(recipe: dict[str, Any], rounds: int | None) -> dict[str, Any]:
    """The recipe with its number of boosting rounds, or another, fixed: no early stopping.

    Raises InputError where rounds are wanted of a model that has none.
    """
    if "rounds" not in recipe["fit"]:
        if rounds is None:
            return recipe
        raise InputError("--rounds", "a model that is boosted, lightgbm or xgboost", "one that is not")
    return {**recipe, "fit": {**recipe["fit"], "rounds": rounds or recipe["fit"]["rounds"], "patience": None}}


def train(
    name: str,
    data: fer2013.Fer2013,
    recipe: dict[str, Any],
    out: Path,
    seed: int,
    threads: int,
    client: Client | None = None,
) -> dict[str, Any]:
    """Fit, calibrate, export, check the export against the library, score, and write the artifact. Its card."""
    import artifact
    from classical.graph import finish
    from data.duplicates import near_duplicates
    from evaluation import abstention, calibration
    from evaluation.parity import parity
    from evaluation.scores import scores
    from features.extract import extract_cached

    start = time.perf_counter()
    task = task_for(data, recipe, seed, threads, client)
    fitted = MODELS[name](task, recipe["fit"])
    held_out_scores = fitted.scores(task.held_out_features)
    calibrated = calibration.matrix(held_out_scores, task.held_out_labels)
    model = finish(fitted.graph(), task.features.shape[1], calibrated)
    minutes = (time.perf_counter() - start) / 60

    features = extract_cached(data.crops, recipe["features"], fer2013.CACHE, threads)
    session = artifact.session(model, threads)
    crops = data.split("Training").crops
    metrics = {}
    for split_name in ("PublicTest", "PrivateTest"):
        split = data.split(split_name)
        rows = np.asarray(features[split.rows], dtype=np.float32)
        probabilities = np.concatenate(
            [
                session.run(["probabilities"], {"features": part})[0]
                for part in np.array_split(rows, len(rows) // 256 + 1)
            ]
        )
        if split_name == "PublicTest":
            threshold = abstention.choose(probabilities, split.labels)
            agreement = parity(fitted.bound, calibrated.probabilities(held_out_scores), probabilities, split.labels)
        metrics[split_name] = scores(probabilities, split.labels, near_duplicates(split.crops, crops), threshold)
    card = {
        "track": "classical",
        "input": "crops uint8 (n, 48, 48); model.onnx takes their features float32",
        "features": recipe["features"],
        "training": {
            "command": f"python -m classical.train {name}",
            "model": name,
            "fit": recipe["fit"],
            "tuning": recipe.get("tuning"),
            "seed": seed,
            "data_hash": data.hash,
            "minutes": round(minutes, 1),
            **({"workers": len(client.nthreads())} if client is not None else {}),
            "versions": {library: metadata.version(library) for library in _LIBRARIES},
            **fitted.notes,
        },
        "calibration": "matrix scaling, fitted on PublicTest: figures on PublicTest are of the rows it was fitted on",
        "parity": agreement,
        "threshold": threshold,
        "metrics": metrics,
        "licence": LICENCE,
    }
    artifact.write(out, model, card)
    return card


@click.command(epilog="Example: python -m classical.train lightgbm --data fer2013.csv.xz")
@click.argument("name", type=click.Choice(list(MODELS)))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="FER2013, as a CSV or a folder.")
@click.option("--recipe", type=click.Path(path_type=Path), help="JSON; by default classical/recipes/NAME.json.")
@click.option("--out", type=click.Path(path_type=Path), help="Artifact folder; by default artifacts/NAME.")
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1))
@click.option("--rounds", type=click.IntRange(1), help="Boosting rounds, fixed; else PublicTest says when to stop.")
@click.option("--cluster", help='A Dask scheduler, as tcp://host:8786, or "local": as many workers as --threads.')
def main(
    name: str,
    data: Path,
    recipe: Path | None,
    out: Path | None,
    seed: int,
    threads: int,
    rounds: int | None,
    cluster: str | None,
) -> None:
    """Fit NAME on Training, calibrate it on PublicTest and write it as an artifact.

    On a cluster the workers extract the features and boost the trees, for all of the recipe's rounds or as many as
    --rounds says: there is no early stopping there. An SVM is fitted here, on features from there.
    """
    import artifact
    from evaluation.scores import in_words

    loaded = fer2013.load(data)
    chosen = read_recipe(recipe or RECIPES / f"{name}.json")
    folder = out or artifact.ARTIFACTS / name
    if rounds or cluster:
        chosen = with_rounds(chosen, rounds)
    with connect(cluster, threads) if cluster else nullcontext() as client:
        card = train(name, loaded, chosen, folder, seed, threads, client)
    for split, figures in card["metrics"].items():
        click.echo(f"{split}: {in_words(figures)}")
    click.echo(f"{folder}: {card['training']['minutes']} minutes, parity {card['parity']['largest_difference']:.1e}")


if __name__ == "__main__":
    run(main)
