"""The command line: one click group, ``facial-emotion``. Each command imports what is heavy when it runs."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import sys
from pathlib import Path

import click

from facial_emotion import __version__
from facial_emotion.errors import Error
from facial_emotion.terminal import open_standard_streams

# The commands, in the order of --help, with the extra that each needs; each is ``main`` of a module of its name here.
COMMANDS = {
    **{"recognize": "cli", "app": "app", "live": "cli", "serve": "serve", "compare": "bench", "models": "cli"},
    **{"train": "train", "tune": "train", "data": "cli"},
}


class Group(click.Group):
    """Commands in the order in which they are listed, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name; None where there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"{__name__}.{cmd_name}").main


@click.command(cls=Group, epilog="Example: facial-emotion recognize holiday/ party.mp4 --out results.csv")
@click.version_option(__version__)
def facial_emotion() -> None:
    """Facial emotion recognition: seven emotions in pictures, videos and live, and the models that do it."""


def main() -> None:
    """Run the program ``facial-emotion``."""
    run(facial_emotion)


def run(command: click.Command) -> None:
    """Run a click command as a program: exit code 0 done, 1 partly done, 2 bad input, 130 stopped by Ctrl-C."""
    open_standard_streams()
    log = logging.getLogger("facial_emotion")
    log.handlers = [logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)]
    log.handlers[0].addFilter(lambda record: record.levelno < logging.WARNING)  # warnings are no results
    log.handlers[1].setLevel(logging.WARNING)
    log.setLevel(logging.INFO)
    try:
        command.main(standalone_mode=False)
        sys.stdout.flush()
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "facial_emotion":
            raise
        words = [Path(sys.argv[0]).stem, *sys.argv[1:2]]  # compare.py, or facial-emotion compare
        extras = [COMMANDS[word] for word in words if word in COMMANDS] or sorted({*COMMANDS.values()})
        advice = f"install facial-emotion with the extra [{', '.join(extras)}]"
        print(f"error: {error.name} is not installed: {advice}", file=sys.stderr)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where what is left goes at the exit
        print(f"error: output: expected room for it, found {error.strerror}", file=sys.stderr)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        sys.exit(130)
