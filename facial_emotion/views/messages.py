"""What is wrong with a file, in the words of a person, and names of files as Markdown shows them."""

from __future__ import annotations

import re

from facial_emotion.errors import OutOfMemory
from facial_emotion.views.language import t, translatable

# Parts of an error's text, and what they mean.
_MEANINGS = {
    "found 0 bytes": translatable("it is empty"),
    "raw photograph": translatable("it is a raw photograph: export it as JPEG from the program for your camera"),
    "found HEIC": translatable("HEIC needs a further package on this server: convert it to JPEG"),
    "annotated copy": translatable("there is no room for its annotated copy"),
    "at most": translatable("it is too large to be looked through"),
    "parts that fit": translatable("it is too large to be looked through"),
    "sound alone": translatable("it has sound alone"),
    "OSError": translatable("it is damaged, or was cut off"),
    "whole video": translatable("it is not a video, or is damaged"),
    "unknown codec": translatable("it is a video of a kind that is not known here"),
    "frame": translatable("there is no picture in it"),
    "its end": translatable("its end is missing"),
    "": translatable("it is not a picture of a kind that is known here, or is damaged"),
}


def plain(text: str) -> str:
    """A text that Markdown shows as it is: a file may have any name."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~:$-])", r"\\\1", text)


def reason(error: Exception) -> str:
    """Why a file can't be read, as part of a sentence."""
    if isinstance(error, OutOfMemory):
        return t("there is too little memory here at the moment")
    text = str(error).partition(": expected ")[2]  # without the file's name
    return t(next(meaning for part, meaning in _MEANINGS.items() if part in text))


def unreadable(name: str, error: Exception) -> str:
    """A sentence on a file that can't be read."""
    return t("{name} could not be read: {reason}.", name=plain(name), reason=reason(error))


def ended_early(error: Exception) -> str:
    """A sentence on a video that was read, but not to its end."""
    return t("The video could not be read to its end: {reason}.", reason=reason(error))
