"""Terminal output of the commands: tables on stdout, progress on stderr."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_UNBOUNDED = 1000  # columns: more than any table has


def open_standard_streams() -> None:
    """Open those of stdin, stdout and stderr that the caller closed, so that no file is opened in their place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if number == 0 else "w"))  # noqa: SIM115 - as long as the program


def note(text: str) -> None:
    """Print a progress message to stderr."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def bar(name: str, total: int, still: bool = False) -> Iterator[Callable[..., None]]:
    """A progress bar. Yields a function ``advance(description="", steps=1)``; steps 0 changes the description alone.

    still: whether it is drawn at each step alone, so that it does not disturb what is timed between them.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class StepRate(ProgressColumn):
        """Steps per second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), StepRate(), TimeRemainingColumn())
    widgets = importlib.util.find_spec("ipywidgets") is not None  # without them rich warns in a notebook
    console = Console(stderr=True, force_jupyter=None if widgets else False)
    with Progress(*columns, console=console, auto_refresh=not still) as progress:
        task = progress.add_task(name, total=total)

        def advance(description: str = "", steps: int = 1) -> None:
            progress.update(task, advance=steps, description=description or name, refresh=still)

        yield advance


@contextmanager
def delayed_interrupt() -> Iterator[Callable[[], bool]]:
    """Delay Ctrl-C, so that it interrupts no step and no write; yields a function that tells whether it was pressed."""
    if threading.current_thread() is not threading.main_thread():  # Python handles signals only there
        yield lambda: False
        return
    pressed = threading.Event()
    previous = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, previous)


def table(title: str, columns: list[str]) -> Table:
    """An empty table; all columns but the first are right-aligned, for numbers."""
    from rich import box
    from rich.table import Table

    empty = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        empty.add_column(column, justify="right" if index else "left", no_wrap=True)
    return empty


def print_tables(tables: Sequence[Table]) -> None:
    """Print tables to stdout; columns that the width has no room for stand below the others, and nothing is cut."""
    from rich.console import Console

    console = Console()
    unbounded = Console(width=_UNBOUNDED)  # it would shorten what is too wide
    for whole in tables:
        console.print(str(whole.title), style="italic", highlight=False, markup=False)
        for part in _parts(whole, console.width):
            unbounded.print(part)


def _parts(whole: Table, width: int) -> Iterator[Table]:
    """A table as one or more that are as wide as the terminal at most, each with the first column."""
    columns = [[str(column.header), *map(str, column.cells)] for column in whole.columns]
    widths = [max(len(line) for text in column for line in text.splitlines() or [""]) + 2 for column in columns]
    groups: list[list[int]] = [[]]
    for index in range(1, len(columns)):
        if groups[-1] and 2 + widths[0] + sum(widths[each] for each in [*groups[-1], index]) > width:
            groups.append([])
        groups[-1].append(index)
    for group in groups:
        chosen = [columns[0], *(columns[index] for index in group)]
        part = table("", [column[0] for column in chosen])
        part.title = None
        for cells in zip(*(column[1:] for column in chosen), strict=True):
            part.add_row(*cells)
        yield part
