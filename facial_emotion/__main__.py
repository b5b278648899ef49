"""The program ``facial-emotion``, also as ``python -m facial_emotion``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; without click, which comes with the extras, say what to install."""
    try:
        from facial_emotion import commands
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("error: the command line needs more packages: install facial-emotion with the extra [cli]")
    commands.main()


if __name__ == "__main__":
    main()
