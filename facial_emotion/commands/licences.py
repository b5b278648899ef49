"""List the licences of the installed packages and of the trained models."""

from __future__ import annotations

import click

from facial_emotion.commands import run


@click.command(epilog="Example: facial-emotion licences --json")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of tables.")
def main(as_json: bool) -> None:
    """List the licences of the packages that running needs, of libraries inside them, and of the trained models.

    A package with libx264 inside is, as a whole, under the GPL: so is an image or installer that contains it.
    """
    import json

    from facial_emotion import licences

    found = {"packages": list(licences.packages()), "models": list(licences.models())}
    if as_json:
        click.echo(json.dumps({kind: [each._asdict() for each in rows] for kind, rows in found.items()}, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    for kind, rows in found.items():
        table = Table("name", "version", "licence", "carries", title=kind, title_justify="left")
        for row in rows:
            table.add_row(*row)
        Console().print(table)


if __name__ == "__main__":
    run(main)
