"""Recognise the faces of pictures, folders and videos: the same as ``facial-emotion recognize``."""

from facial_emotion.commands import run
from facial_emotion.commands.recognize import main

if __name__ == "__main__":
    run(main)
