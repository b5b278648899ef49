"""Write REPORT.md, its pictures, and a model card beside each model, from the artifacts and FER2013.

    python -m workshop report --data fer2013.csv.xz

Speeds are those of the shipped benchmark and, of other models, of facial-emotion compare; all else is measured here.
Every figure in the texts stands in artifacts/report/report.json, which keeps that benchmark too, or in a model's card:
a later benchmark on another machine leaves the report and its figures as they are.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from facial_emotion.commands import options
from facial_emotion.errors import InputError


@click.command(epilog="Example: python -m workshop report --data fer2013.csv.xz")
@click.option("--data", required=True, type=options.Place(), help="FER2013, as a CSV or a folder.")
@click.option("--out", type=options.Place(file_okay=False), help="By default results/report.")
@click.option("--rounds", default=80, show_default=True, type=click.IntRange(1), help="Boosting rounds of an ablation.")
@click.option(
    "--keep-ablations",
    is_flag=True,
    help="Take the ablations from the shipped report: they take longest, and only other features change them.",
)
def main(data: Path, out: Path | None, rounds: int, keep_ablations: bool) -> None:
    """Evaluate every trained model and write the report."""
    from facial_emotion import paths, recognizers
    from facial_emotion.data import fer2013
    from facial_emotion.evaluation import benchmark, results
    from facial_emotion.records import to_json
    from facial_emotion.terminal import note
    from workshop.reporting import report
    from workshop.reporting.ablations import VARIANTS

    rows, about = results.known()
    timed = {row.model for row in rows}
    names = [name for name in recognizers.names() if name in timed]
    left_out = sorted(set(recognizers.names()) - timed)
    if left_out:
        note(f"left out, without a benchmark by facial-emotion compare: {', '.join(left_out)}")
    rows = [row for row in rows if row.model in names]
    tried = None
    if keep_ablations:
        last = report.measured("report/report.json")
        if last is None:
            raise InputError("--keep-ablations", "artifacts/report/report.json", "none", "run it without this option")
        tried = [row for row in last["ablations"] if row["variant"] in [name for name, _, _ in VARIANTS]]
    loaded = fer2013.load(data)
    figures = {
        **report.measure(loaded, names, rounds, tried),
        "ablations_kept": keep_ablations,
        "benchmark": {**about, "models": [to_json(row) for row in rows]},
    }
    folder = out or paths.NEW_RESULTS / "report"
    place = folder / "artifacts" / "report"
    place.mkdir(parents=True, exist_ok=True)
    (place / "report.json").write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n")
    benchmark.write(folder / "artifacts" / "results", rows, about)  # whose plots the report shows
    report.draw(figures, place)
    report.write(figures, folder)
    click.echo(f"{folder / 'REPORT.md'}, pictures and report.json in {place}")
