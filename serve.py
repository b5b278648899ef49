"""Serve recognition over HTTP: the same as ``facial-emotion serve``."""

from facial_emotion.commands import run
from facial_emotion.commands.serve import main

if __name__ == "__main__":
    run(main)
