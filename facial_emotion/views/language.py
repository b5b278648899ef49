"""The languages of the app: English, which is written in the code, and translations of it, a file per language.

To add a language, add a line to LANGUAGES and a file to the folder ``languages``: {English text: translation}.
"""

from __future__ import annotations

import functools
import json
import string
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

import streamlit as st

from facial_emotion.errors import InputError

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "de": "Deutsch", "es": "Español"}
FOLDER = Path(__file__).parent / "languages"
KEY = "lang"  # in the session and in the page's address

Texts = TypeVar("Texts")
Result = TypeVar("Result")
_ASKED: ContextVar[str | None] = ContextVar("language", default=None)  # see ``here``
_COMMAS = str.maketrans(".,", ",.")


def t(text: str, **values: object) -> str:
    """A text in the session's language, with values for its placeholders; in English where it has no translation."""
    translation = all_translations().get(current(), {}).get(text, text)
    return _FORMATTER.vformat(translation, (), values) if values else translation


def number(value: object, form: str) -> str:
    """A number in a format, as of ``format``, as it is written in the session's language: decimal commas in most."""
    text = format(value, form)
    return text.translate(_COMMAS) if isinstance(value, int | float) and current() != ENGLISH else text


def here(function: Callable[[], Result]) -> Callable[[], Result]:
    """A function that may be called outside of the session, and speaks its language of now nevertheless."""
    code = current()

    def call() -> Result:
        token = _ASKED.set(code)
        try:
            return function()
        finally:
            _ASKED.reset(token)

    return call


class _Formatter(string.Formatter):
    """Formats texts with numbers as they are written in the session's language."""

    def format_field(self, value: object, form: str) -> str:
        return number(value, form)


_FORMATTER = _Formatter()


def count(number: int, one: str, many: str) -> str:
    """A number of things in the session's language; one, many: the texts for one and for several, with {number}."""
    return t(one if number == 1 else many, number=number)


def labels(options: Iterable[str]) -> dict[str, str]:
    """Options of a widget and what they are called in the session's language."""
    return {option: t(option) for option in options}


def translatable(texts: Texts) -> Texts:
    """Texts as they are, in a string, a tuple or a dictionary: marks constants that ``t`` translates when shown."""
    return texts


def upper_first(text: str) -> str:
    """A text with a large first letter."""
    return text[:1].upper() + text[1:]


def current() -> str:
    """The session's language, a key of LANGUAGES: at first that of the page's address, or else the browser's."""
    if (asked := _ASKED.get()) is not None:
        return asked
    if KEY not in st.session_state:
        asked = st.query_params.get(KEY, of_browser())
        st.session_state[KEY] = asked if asked in LANGUAGES else ENGLISH
    return str(st.session_state[KEY])


def of_browser() -> str:
    """The browser's language if the app speaks it, else English."""
    code = (st.context.locale or "").partition("-")[0].lower()
    return code if code in LANGUAGES else ENGLISH


@functools.cache
def all_translations() -> dict[str, dict[str, str]]:
    """The translations into each language but English, by English text. Raises InputError where a file is broken."""
    return {code: read(FOLDER / f"{code}.json") for code in LANGUAGES if code != ENGLISH}


def read(path: Path) -> dict[str, str]:
    """The translations of a file, by English text. Raises InputError where it is missing or broken."""
    expected = "a JSON object of English texts and their translations"
    try:
        texts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(path, expected, type(error).__name__) from error
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise InputError(path, expected, "other JSON")
    return texts
