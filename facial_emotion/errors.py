"""User-facing errors, each one line: place, what was expected, what was found, next step."""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # categories: of control, of format, halves of others, breaks
_JOINERS = "\u200c\u200d"  # of Persian words and of emoji, which stay
# How Python, the system, Pillow, OpenCV and ONNX Runtime say that memory is short.
_MEMORY = re.compile(r"out of memory|bad_alloc|allocate memory|insufficient memory|failed to allocate", re.IGNORECASE)


class Error(Exception):
    """Something a user can act on. Its text is one line; it survives pickling, so workers can raise it."""

    def __init__(self, text: str) -> None:
        super().__init__(_seen(" ".join(text.split())))


def shown(path: str) -> str:
    r"""A path as results and messages name it: one line of valid text, which no other path has.

    Bytes that are no UTF-8 are written as \xff, characters that can't be seen, or turn the direction of writing, as
    \x0a or \u202e, and a backslash of a name is doubled. One that begins as a spreadsheet's formula gets
    "./" before it.
    """
    path = path.replace("\\", "/") if os.sep == "\\" else path.replace("\\", "\\\\")
    path = _seen(path)
    return f"./{path}" if path.startswith(("=", "+", "-", "@")) else path


def _seen(text: str) -> str:
    """A text with escapes in place of characters that can't be seen."""
    if text.isprintable():
        return text
    return "".join(
        _escaped(each) if unicodedata.category(each) in _UNSEEN and each not in _JOINERS else each for each in text
    )


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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


class OutOfMemory(Error, MemoryError):
    """Too little memory for a source, which says nothing about the source."""

    def __init__(self, place: object, expected: str = "", found: str = "", advice: str = "") -> None:
        """Text as for ``InputError``."""
        super().__init__(describe(place, expected, found, advice))


def is_memory_error(error: BaseException) -> bool:
    """Whether an exception, of whatever library, comes of too little memory."""
    if isinstance(error, Error | MemoryError):
        return isinstance(error, MemoryError)
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    return bool(_MEMORY.search(str(error)))


@contextmanager
def memory_checked(place: object, advice: str = "free some, and try again") -> Iterator[None]:
    """Raise OutOfMemory for this place where whatever is raised comes of too little memory."""
    try:
        yield
    except Exception as error:
        if is_memory_error(error):
            raise OutOfMemory(place, "enough memory", "too little", advice) from error
        raise


def describe(place: object, expected: str = "", found: str = "", advice: str = "") -> str:
    """The text of an error: ``place: expected this, found that; next step``."""
    text = f"{place}: expected {expected}, found {found}" if expected or found else str(place)
    return f"{text}; {advice}" if advice else text


def unwritable(path: object, error: Exception) -> InputError:
    """The error for an annotated copy that can't be written: a failure of its source, not the end of a run."""
    return InputError(path, "a place for an annotated copy", getattr(error, "strerror", None) or str(error))
