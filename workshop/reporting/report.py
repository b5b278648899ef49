"""REPORT.md, its pictures and a card beside each model: measured, drawn and written.

Speeds are those of the benchmark; all else is measured here. Every figure in the texts stands in
artifacts/report/report.json, which keeps that benchmark too, or in a model's card: a later benchmark on another machine
leaves the report and its figures as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facial_emotion import paths, recognizers
from facial_emotion.artifact import SUFFIXES
from facial_emotion.data.duplicates import NEAR
from facial_emotion.data.ferplus import CLEAR_VOTES
from facial_emotion.deep.variants import MAX_ACCURACY_LOSS, MAX_KL_DIVERGENCE
from facial_emotion.evaluation.abstention import TARGET
from facial_emotion.evaluation.evaluate import TARGETS
from facial_emotion.evaluation.results import QUESTIONS
from facial_emotion.records import Card
from facial_emotion.terminal import bar
from workshop.reporting import ablations, dataset, models, plots
from workshop.reporting.write import render

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013

PUBLISHED = Path(__file__).parent / "published.json"
LAW = {"ai_act": "2024/1689", "prohibited": "5(1)(f)", "high_risk": "Annex III, 1(c)", "told": 50, "gdpr": 9}


def measure(data: Fer2013, names: list[str], rounds: int, tried: list[dict[str, Any]] | None) -> dict[str, Any]:
    """All figures that the report has besides the benchmark's and the cards'. tried: ablations that are known."""

    with bar("evaluation", len(names) + 1) as step:
        of_data = dataset.describe(data)
        step()
        judged = models.judge(data, names, step)
    if tried is None:
        with bar("ablations", len(ablations.VARIANTS)) as step:
            tried = ablations.measure(data, paths.CACHE, step, rounds)
    constants = {"near": NEAR, "target": TARGET, "crop": 48, "landmarks": 68, "frame": [640, 480], "share": 0.95}
    constants["clear_votes"], constants["target_of_people"] = CLEAR_VOTES, TARGETS["people"]
    constants["may_lose"], constants["may_move"] = MAX_ACCURACY_LOSS, MAX_KL_DIVERGENCE
    return {
        "data": of_data,
        "judged": judged,
        "ablations": tried,
        "published": json.loads(PUBLISHED.read_text()),
        "constants": constants,
        "law": LAW,
    }


def draw(figures: dict[str, Any], place: Path) -> None:
    """The report's pictures."""

    models = figures["judged"]["models"]
    plots.reliability(models, place / "reliability.png")
    plots.coverage(models, place / "coverage.png")


def measured(name: str) -> dict[str, Any] | None:
    """What another command measured and left in artifacts/, if it was run."""
    path = paths.SHIPPED / name
    return json.loads(path.read_text()) if path.exists() else None


def choices(models: dict[str, Any], cards: dict[str, Card], latency: dict[str, float]) -> dict[str, str]:
    """The model to recommend where accuracy counts, and where speed does.

    Chosen on PublicTest. accurate: by FER2013's labels; people: by people's choice; fast: the fastest of the good ones;
    balanced: that one's twin that favours no emotion, if it has one; classical: the most accurate of this track by
    FER2013's labels.
    """

    accuracy = {name: cards[name].metrics["PublicTest"].accuracy for name in models}
    judged = {name: card.people["PublicTest"].choice.accuracy for name, card in cards.items() if card.people}
    by_people = judged or accuracy
    classical = [name for name in models if cards[name].track == "classical"] or list(models)
    fast = recognizers.fastest_good(list(models), latency)
    twin = fast.removesuffix(SUFFIXES[cards[fast].labels]) + SUFFIXES["balanced"]
    return {
        "accurate": max(models, key=lambda name: accuracy[name]),
        "people": max(by_people, key=lambda name: by_people[name]),
        "fast": fast,
        "balanced": twin if twin in models else fast,
        "classical": max(classical, key=accuracy.__getitem__),
    }


def write(figures: dict[str, Any], folder: Path) -> None:
    """REPORT.md and each model's README.md."""

    judged, benchmark = figures["judged"], figures["benchmark"]
    models = judged["models"]
    cards = {name: recognizers.card(name) for name in models}
    latency = {row["model"]: row["latency"]["crop to label"]["median_ms"] for row in benchmark["models"]}
    fields = {
        "data": figures["data"],
        "ablation": {row["variant"]: row for row in figures["ablations"]},
        "judged": judged,
        "models": models,
        "ranked": sorted(
            models.items(), key=lambda item: (list(QUESTIONS).index(item[1]["labels"]), -item[1]["own"]["accuracy"])
        ),
        "constants": figures["constants"],
        "peers": measured("report/peers.json"),
        "live": measured("results/live.json"),
        "batch": measured("results/batch.json"),
        "serving": measured("results/serving.json"),
        "framing": measured("results/framing.json"),
        "core": measured("results/core.json"),
        "conditions": measured("results/conditions.json"),
        "benchmark": benchmark,
        "host": benchmark["host"],
        "latency": latency,
        "frame": {row["model"]: row["latency"]["frame to label"]["median_ms"] for row in benchmark["models"]},
        "size": {row["model"]: row["size_mb"] for row in benchmark["models"]},
        "choices": choices(models, cards, latency),
    }
    (folder / "REPORT.md").write_text(render("REPORT.md.j2", **fields))
    for name, card in cards.items():
        place = folder / "artifacts" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "README.md").write_text(render("CARD.md.j2", name=name, card=card, model=models[name]))
