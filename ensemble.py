"""Make a recognizer out of recognizers: choose on PublicTest how much each member counts.

    python ensemble.py ensemble --data fer2013.csv.xz

The answer is softmax(sum of weight x log-probabilities), with the weights, none below 0, that give PublicTest the least
log-loss. Together they are a temperature too. Members that hardly count are left out. Written is a card that names
the members; their models stay where they are.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from errors import InputError, run

if TYPE_CHECKING:
    import numpy as np

    from data.fer2013 import Fer2013

NEGLIGIBLE = 0.03  # share of the weights below which a member is left out
Member = tuple[str, bool]  # the name of a recognizer, and whether it sees crops mirrored


def fit_weights(logs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights (m,), none below 0, of log-probabilities (m, n, 7) that give labels (n,) the least log-loss."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import log_softmax, softmax

    rows = np.arange(len(labels))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        pooled = np.tensordot(weights, logs, 1)
        surplus = softmax(pooled, axis=1)
        surplus[rows, labels] -= 1
        return -log_softmax(pooled, axis=1)[rows, labels].mean(), (logs * surplus).sum(axis=(1, 2)) / len(labels)

    start = np.full(len(logs), 1 / len(logs))
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(logs)).x


def choose(logs: dict[Member, np.ndarray], labels: np.ndarray) -> dict[Member, float]:
    """The members that count, and their weights. Both views of a mirrored member weigh the same."""
    import numpy as np

    views = {name: [logs[view] for view in logs if view[0] == name] for name, _ in logs}
    means = {name: np.mean(of_one, axis=0) for name, of_one in views.items()}
    while True:
        found = dict(zip(means, fit_weights(np.stack(list(means.values())), labels), strict=True))
        least = min(found, key=lambda name: found[name])
        if len(found) == 1 or found[least] >= NEGLIGIBLE * sum(found.values()):
            return {view: found[view[0]] / len(views[view[0]]) for view in logs if view[0] in found}
        del means[least]


def make(names: list[str], mirrored: bool, data: Fer2013, root: Path, command: str) -> dict[str, Any]:
    """The card of an ensemble: its members, their weights, and how good it is."""
    import numpy as np
    from scipy.special import softmax

    import artifact
    import recognizers
    from data.duplicates import near_duplicates
    from evaluation import abstention
    from evaluation.scores import scores
    from terminal import bar

    splits = {name: data.split(name) for name in ("PublicTest", "PrivateTest")}
    views = [(name, turned) for name in names for turned in ((False, True) if mirrored else (False,))]
    logs: dict[str, dict[Member, np.ndarray]] = {split: {} for split in splits}
    with bar("members", len(views)) as step:
        for name, turned in views:
            recognizer = recognizers.load(name, root=root)
            for split, part in splits.items():
                crops = np.ascontiguousarray(part.crops[:, :, ::-1]) if turned else part.crops
                logs[split][name, turned] = recognizers.log_of(recognizer.predict_proba(crops))
            step(f"{name}{' mirrored' * turned}")
    weights = choose(logs["PublicTest"], splits["PublicTest"].labels)
    training = data.split("Training").crops
    metrics = {}
    answers = {
        split: softmax(sum(weight * logs[split][view] for view, weight in weights.items()), axis=1) for split in splits
    }
    threshold = abstention.choose(answers["PublicTest"], splits["PublicTest"].labels)
    for split, part in splits.items():
        metrics[split] = scores(answers[split], part.labels, near_duplicates(part.crops, training), threshold)
    versions = {library: metadata.version(library) for library in ("numpy", "scipy", "onnxruntime")}
    cards = {name: recognizers.card(name, root) for name, _ in weights}
    return {
        "track": "ensemble",
        "input": "crops uint8 (n, 48, 48)",
        "members": [
            {"name": name, "mirrored": turned, "weight": weight, **cards[name]["files"][artifact.MODEL]}
            for (name, turned), weight in weights.items()
        ],
        "left_out": [name for name in names if name not in cards],
        "training": {"command": command, "seed": None, "data_hash": data.hash, "versions": versions},
        "calibration": "the members' weights, fitted on PublicTest",
        "threshold": threshold,
        "metrics": metrics,
        "licence": " ".join(f"{name}: {card['licence']}" for name, card in cards.items()),
    }


@click.command(epilog="Example: python ensemble.py ensemble --data fer2013.csv.xz --members cnn,vgg16,svm --mirrored")
@click.argument("name", default="ensemble")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="FER2013, as a CSV or a folder.")
@click.option("--members", help="Names, with commas; by default every trained model that is not an ensemble.")
@click.option("--mirrored", is_flag=True, help="Members see each crop mirrored too, and count half each way.")
def main(name: str, data: Path, members: str | None, mirrored: bool) -> None:
    """Make the recognizer NAME out of others, with weights chosen on PublicTest."""
    import artifact
    import recognizers
    from data import fer2013
    from evaluation.scores import in_words

    root = artifact.ARTIFACTS
    single = [each for each in recognizers.names() if not recognizers.card(each).get("members")]
    chosen = [each.strip() for each in members.split(",") if each.strip()] if members else single
    for each in chosen:
        if each not in single:
            raise InputError("--members", f"some of {', '.join(single) or 'none: nothing is trained yet'}", repr(each))
    if name in single:
        raise InputError("name", "one that no trained model has", repr(name))
    words = [name, *(["--members", ",".join(chosen)] if members else []), *(["--mirrored"] if mirrored else [])]
    card = make(chosen, mirrored, fer2013.load(data), root, " ".join(["python ensemble.py", *words]))
    artifact.write(root / name, None, card)
    for member in card["members"]:
        click.echo(f"{member['name']}{' mirrored' * member['mirrored']}: weight {member['weight']:.3f}")
    for split, figures in card["metrics"].items():
        click.echo(f"{split}: {in_words(figures)}")


if __name__ == "__main__":
    run(main)
