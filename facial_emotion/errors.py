"""User-facing errors, each one line: place, what was expected, what was found, next step."""

from __future__ import annotations


class Error(Exception):
    """Something a user can act on. Its text is one line; it survives pickling, so workers can raise it."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))


class InputError(Error, ValueError):
    """A file, an array or an option that is not what it should be."""

    def __init__(self, place: object, expected: str = "", found: str = "", advice: str = "") -> None:
        """Text: ``place: expected this, found that; next step``; with a place alone, that is the whole text."""
        super().__init__(describe(place, expected, found, advice))


class OutputError(Error, OSError):
    """Results, a cache or a checkpoint that can't be written, whatever the input is."""

    def __init__(self, place: object, expected: str = "", found: str = "", advice: str = "") -> None:
        """Text as for ``InputError``."""
        super().__init__(describe(place, expected, found, advice))


def describe(place: object, expected: str = "", found: str = "", advice: str = "") -> str:
    """The text of an error: ``place: expected this, found that; next step``."""
    text = f"{place}: expected {expected}, found {found}" if expected or found else str(place)
    return f"{text}; {advice}" if advice else text


def unwritable(path: object, error: Exception) -> InputError:
    """The error for an annotated copy that can't be written: a failure of its source, not the end of a run."""
    return InputError(path, "a place for an annotated copy", getattr(error, "strerror", None) or str(error))
