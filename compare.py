"""Benchmark every trained model: the same as ``facial-emotion compare``."""

from facial_emotion.commands import run
from facial_emotion.commands.compare import main

if __name__ == "__main__":
    run(main)
