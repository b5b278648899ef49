"""``python -m facial_emotion.data``: the same as ``facial-emotion data``."""

from facial_emotion.commands import run
from facial_emotion.commands.data import main

if __name__ == "__main__":
    run(main)
