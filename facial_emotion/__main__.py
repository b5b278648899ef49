"""The program ``facial-emotion``, also as ``python -m facial_emotion``."""

from __future__ import annotations

import sys

try:
    from facial_emotion.commands import main
except ModuleNotFoundError as error:  # click comes with the extras
    if error.name != "click":
        raise
    sys.exit("error: the command line needs more packages: install facial-emotion with the extra [cli]")


if __name__ == "__main__":
    main()
