"""Write REPORT.md and the model cards: the same as ``facial-emotion report``."""

from facial_emotion.commands import run
from facial_emotion.commands.report import main

if __name__ == "__main__":
    run(main)
