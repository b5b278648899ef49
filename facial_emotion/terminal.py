"""Terminal output of the commands: tables on stdout, progress on stderr."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def note(text: str) -> None:
    """Print a progress message to stderr."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def bar(name: str, total: int) -> Iterator[Callable[..., None]]:
    """A progress bar. Yields a function ``advance(description="", steps=1)``; steps 0 changes the description alone."""
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
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=total)

        def advance(description: str = "", steps: int = 1) -> None:
            progress.update(task, advance=steps, description=description or name)

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
        empty.add_column(column, justify="right" if index else "left", no_wrap=not index)
    return empty
