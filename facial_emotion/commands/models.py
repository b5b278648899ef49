"""List the trained models: what they answer with, how good they are, and where they are."""

from __future__ import annotations

import click

from facial_emotion.commands import options


@click.command(epilog="Example: facial-emotion models --labels people")
@options.labels("List those that answer with these labels only.")
def main(labels: str | None) -> None:
    """List the trained models and their folders, in which they are looked for in this order: those that FER_ARTIFACTS
    names, ./artifacts, the user's data folder, the package. Of two with one name the first counts.

    Accuracy is by the labels that a model answers with, on PrivateTest.
    """
    from facial_emotion import artifact, recognizers, terminal
    from facial_emotion.errors import InputError

    places = recognizers.places()
    if not places:
        raise InputError("artifacts/", "a trained model", "none", "facial-emotion train lightgbm --data PATH")
    table = terminal.table("Trained models", ["model", "labels", "accuracy", "MB", "folder"])
    for name, folder in places.items():
        card = recognizers.card(name)
        if labels not in (None, card.labels):
            continue
        accuracy, size = card.own("PrivateTest").accuracy, artifact.size(card) / 1e6
        table.add_row(name, card.labels, f"{accuracy:.1%}", f"{size:.1f}", str(folder.parent))
    terminal.print_tables([table])
