"""What a user did that cannot work, said in one line: place, expectation, finding, next step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


class InputError(ValueError):
    """A file, an array or an option that is not what it should be.

    Its text is one line: ``place: expected this, found that; next step``.
    """

    def __init__(self, place: object, expected: str, found: str, advice: str = "") -> None:
        text = f"{place}: expected {expected}, found {found}"
        super().__init__(" ".join(f"{text}; {advice}".split()) if advice else " ".join(text.split()))

    @classmethod
    def told(cls, text: str) -> InputError:
        """The error that another process told of."""
        error = cls.__new__(cls)
        ValueError.__init__(error, text)
        return error


def run(command: click.Command) -> None:
    """Run a click command as a program: exit code 0 done, 2 bad input, 130 stopped by Ctrl-C."""
    import click

    try:
        command.main(standalone_mode=False)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        sys.exit(130)
