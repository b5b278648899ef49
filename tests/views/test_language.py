"""The app in other languages than English: every text is translated, and the choice of a language holds."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from facial_emotion import examples, explain, recognizers
from facial_emotion.errors import InputError
from facial_emotion.evaluation.advice import TEMPLATES
from facial_emotion.features import geometry
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.views import language
from tests.views.pages import ROOT, page, text

TRANSLATIONS = language.all_translations()
# For each function that takes texts: which of its arguments are texts.
TEXTS = {"t": slice(0, 1), "count": slice(1, 3), "translatable": slice(0, 1)}


def texts_in(path: Path) -> Iterator[str]:
    """The literals of a file that it gives to a function of ``facial_emotion.views.language``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TEXTS:
            for argument in node.args[TEXTS[node.func.id]]:
                parts = list(ast.walk(argument))
                assert not any(isinstance(part, ast.JoinedStr) for part in parts), f"{path}: {ast.unparse(node)}"
                if node.func.id == "translatable" or isinstance(argument, ast.Constant):
                    constants = [part.value for part in parts if isinstance(part, ast.Constant)]
                    yield from (constant for constant in constants if isinstance(constant, str))


def shown() -> set[str]:
    """Every text that the app translates: those in its code, and the names that it takes from the library."""
    written = {text for path in Path(language.__file__).parent.glob("*.py") for text in texts_in(path)}
    components = {name for name in geometry.NAMES if " of point " not in name}
    tracks = {recognizers.card(name).track for name in recognizers.names()}
    return {*written, *TEMPLATES.values(), *EMOTIONS, *explain.REGIONS, *examples.PICTURES, *components, *tracks}


def placeholders(text: str) -> list[tuple[str, str | None]]:
    return sorted((name, form) for _, name, form, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_every_text_has_a_translation_and_every_translation_a_text(code: str) -> None:
    assert sorted(TRANSLATIONS[code]) == sorted(shown())


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_translations_have_the_placeholders_and_marks_of_their_texts(code: str) -> None:
    for english, translation in TRANSLATIONS[code].items():
        assert placeholders(translation) == placeholders(english), english
        for mark in ("**", "## ", "\n- ", "\n", "%"):
            assert translation.count(mark) == english.count(mark), english
        assert translation.strip() == translation != "", english


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_the_emotions_have_different_names(code: str) -> None:
    assert len({TRANSLATIONS[code][name] for name in EMOTIONS}) == len(EMOTIONS)


def opened(name: str, lang: str | None = None, locale: str | None = None) -> AppTest:
    """A page, by its address's language and the browser's."""
    at = page(name, run=False)
    if lang is not None:
        at.query_params["lang"] = lang
    if locale is not None:
        at.context["locale"] = locale
    return at.run()


def test_the_image_page_answers_in_german() -> None:
    at = opened("image", "de")
    assert at.title[0].value == "Emotionen in einem Bild"
    at.button(key="example astronaut").click().run()
    assert not at.exception
    assert at.header[0].value == "1 Gesicht: 😀 fröhlich"
    assert "**1 · fröhlich**" in text(at)
    assert at.dataframe[0].value["label"].tolist() == ["happy"]  # as in the download


@pytest.mark.parametrize("lang", ["fr", "", "DE", "../de"])
def test_an_unknown_language_in_the_address_gives_english(lang: str) -> None:
    at = opened("image", lang, "de-DE")
    assert not at.exception
    assert at.title[0].value == "Emotions in a picture"
    assert at.query_params["lang"] == "en"


@pytest.mark.parametrize(
    ("locale", "expected"), [("de-AT", "de"), ("es", "es"), ("en-GB", "en"), ("fr-FR", "en"), (None, "en")]
)
def test_the_first_language_is_the_browsers(locale: str | None, expected: str) -> None:
    at = opened("about", locale=locale)
    assert at.selectbox(key="lang").value == expected
    assert "lang" not in at.query_params


@pytest.mark.parametrize("code", TRANSLATIONS)
@pytest.mark.parametrize("name", ["live", "video", "compare", "why", "about"])
def test_every_page_opens_in_every_language(name: str, code: str) -> None:
    at = opened(name, code)
    assert not at.exception
    assert at.title[0].value in TRANSLATIONS[code].values()


def test_the_choice_of_a_language_holds_and_leaves_other_settings_alone() -> None:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    at.selectbox(key="model").set_value("lightgbm").run()
    at.select_slider(key="sensitivity").set_value("more").run()
    for code, title in (("es", "Emociones en una imagen"), ("de", "Emotionen in einem Bild")):
        at.selectbox(key="lang").set_value(code).run()
        assert not at.exception
        assert at.title[0].value == title
        assert at.select_slider(key="sensitivity").proto.set_value  # the page gets its new name
        assert at.query_params == {"model": "lightgbm", "sensitivity": "more", "lang": code}
        assert at.run().title[0].value == title
        assert at.select_slider(key="sensitivity").value == "more"
    at.selectbox(key="lang").set_value("en").run()
    assert "lang" not in at.query_params


def test_an_explanation_keeps_its_emotion_in_another_language() -> None:
    at = opened("why")
    at.selectbox(key="lang").set_value("de").run()
    assert not at.exception
    assert at.selectbox(key="why_label").value == "happy"


@pytest.mark.parametrize("content", [None, "{", "[]", '{"Image": 1}'])
def test_a_missing_or_broken_file_is_an_error(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "fr.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match="translations"):
        language.read(path)
