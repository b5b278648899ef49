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
from facial_emotion.data.duplicates import NEAR
from facial_emotion.data.ferplus import CLEAR_VOTES
from facial_emotion.deep.variants import MAX_ACCURACY_LOSS, MAX_KL_DIVERGENCE
from facial_emotion.evaluation.abstention import TARGET
from facial_emotion.evaluation.evaluate import TARGETS
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


def draw(data: Fer2013, figures: dict[str, Any], place: Path) -> None:
    """The report's pictures."""

    models = figures["judged"]["models"]
    plots.classes(figures["data"]["splits"], place / "classes.png")
    plots.mean_faces(*dataset.mean_faces(data), place / "mean_faces.png")
    plots.preprocessing(place / "preprocessing.png")
    plots.reliability(models, place / "reliability.png")
    plots.coverage(models, place / "coverage.png")
    histories_by_run = histories({name: recognizers.card(name) for name in models})
    if histories_by_run:
        plots.training(histories_by_run, place / "training.png")


def trainings(card: Card) -> list[dict[str, Any]]:
    """The trainings that a model went through, one after the other; the card's own is the last."""
    runs = [card.training]
    while runs[0].get("initial_weights") and runs[0]["initial_weights"].get("training"):
        runs.insert(0, runs[0]["initial_weights"]["training"])
    return [{**training, "taught": taught(training)} for training in runs]


def taught(training: dict[str, Any]) -> list[tuple[str, float]]:
    """The name of each teacher of a training, and its share in the targets."""
    told = training.get("teacher") or []
    teachers = told if isinstance(told, list) else [told]  # a training by one teacher used to have it alone
    if not teachers:
        return []
    settings = training["recipe"]["teacher"]
    share = settings.get("shares", settings.get("share"))  # recipes used to say "share"
    shares = share if isinstance(share, list) else [share]
    return [(teacher["model"], own) for teacher, own in zip(teachers, shares, strict=True)]


def histories(cards: dict[str, Card]) -> dict[str, list[dict[str, float]]]:
    """What each network's trainings were like, epoch by epoch, numbered through."""
    histories = {}
    for name, card in cards.items():
        epochs = [epoch for training in trainings(card) for epoch in training.get("history", [])]
        if epochs:
            histories[name] = [{**epoch, "epoch": number} for number, epoch in enumerate(epochs, 1)]
    return histories


def measured(name: str) -> dict[str, Any] | None:
    """What another command measured and left in artifacts/, if it was run."""
    path = paths.ARTIFACTS / name
    return json.loads(path.read_text()) if path.exists() else None


def choices(models: dict[str, Any], cards: dict[str, Card], latency: dict[str, float]) -> dict[str, str]:
    """The model to recommend where accuracy counts, and where speed does.

    Chosen on PublicTest. accurate: by FER2013's labels; people: by people's choice; fast: the fastest of the good ones.
    """

    accuracy = {name: cards[name].metrics["PublicTest"].accuracy for name in models}
    judged = {name: card.people["PublicTest"].choice.accuracy for name, card in cards.items() if card.people}
    by_people = judged or accuracy
    return {
        "accurate": max(models, key=lambda name: accuracy[name]),
        "people": max(by_people, key=lambda name: by_people[name]),
        "fast": recognizers.fastest_good(list(models), latency),
    }


def write(figures: dict[str, Any], folder: Path) -> None:
    """REPORT.md and each model's README.md."""

    judged, benchmark = figures["judged"], figures["benchmark"]
    models = judged["models"]
    cards = {name: recognizers.card(name) for name in models}
    latency = {row["model"]: row["latency"]["crop to label"]["median_ms"] for row in benchmark["models"]}
    single = [row for row in benchmark["models"] if not cards[row["model"]].members]
    stages = list(dict.fromkeys(stage for row in single for stage in row["latency"]))
    fields = {
        "data": figures["data"],
        "ablations": figures["ablations"],
        "ablations_kept": figures["ablations_kept"],
        "judged": judged,
        "models": models,
        "ranked": sorted(models.items(), key=lambda item: (item[1]["labels"] != "people", -item[1]["own"]["accuracy"])),
        "constants": figures["constants"],
        "cards": cards,
        "histories": histories(cards),
        "trainings": {name: trainings(card) for name, card in cards.items()},
        "published": figures["published"],
        "peers": measured("report/peers.json"),
        "live": measured("results/live.json"),
        "batch": measured("results/batch.json"),
        "serving": measured("results/serving.json"),
        "detectors": measured("results/detectors.json"),
        "framing": measured("results/framing.json"),
        "core": measured("results/core.json"),
        "benchmark": benchmark,
        "host": benchmark["host"],
        "latency": latency,
        "size": {row["model"]: row["size_mb"] for row in benchmark["models"]},
        "stages": sorted(stages, key=lambda stage: " to " in stage),  # the parts first, then the whole ways
        "choices": choices(models, cards, latency),
    }
    (folder / "REPORT.md").write_text(render("REPORT.md.j2", **fields))
    for name, card in cards.items():
        place = folder / "artifacts" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "README.md").write_text(render("CARD.md.j2", name=name, card=card, model=models[name]))
