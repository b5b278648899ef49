"""README and the commands agree."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PROGRAMS = [
    *("compare", "ensemble", "recognize", "report", "serve", "data.fer2013"),
    *("classical.train", "classical.tune", "classical.framing", "classical.landmarks"),
    *("deep.train", "deep.tune", "video.benchmark", "reporting.peers", "batch.benchmark", "serving.benchmark"),
]
MAIN = (
    "compare.py",
    "recognize.py",
    "ensemble.py",
    "data.fer2013",
    "classical.train",
    "classical.tune",
    "deep.train",
    "deep.tune",
)
EXAMPLES = re.findall(r"^ {4}python (?:-m )?(\S+) ([^#\n]*)", README, re.MULTILINE)


def parsed(program: str, words: str) -> click.Context:
    """The words as the program's parser takes them; it fails on an option or choice that there is not."""
    module = importlib.import_module(program.removesuffix(".py"))
    return module.main.make_context(program, shlex.split(words), resilient_parsing=False)


@pytest.mark.parametrize(("program", "words"), EXAMPLES, ids=[f"{program} {words}" for program, words in EXAMPLES])
def test_commands_in_the_readme_are_understood(program: str, words: str) -> None:
    assert parsed(program, words).params


def test_the_readme_shows_every_kind_of_command() -> None:
    assert {program for program, _ in EXAMPLES} >= set(MAIN)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_help_carries_an_example_that_works(program: str) -> None:
    module = importlib.import_module(program)
    assert module.main.epilog.startswith("Example: python ")
    words = re.sub(r"^Example: python (-m )?\S+ ", "", module.main.epilog)
    assert parsed(program, words).params
    assert all(
        option.help or option.default is not None for option in module.main.params if option.param_type_name == "option"
    )


def test_make_targets_in_the_readme_exist() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"make ([a-z]+)", README):
        if target != "help":
            assert re.search(rf"make {target}\b", listed), target


def test_files_and_folders_in_the_readme_exist() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_example_in_python_prints_what_the_readme_shows(capsys: pytest.CaptureFixture[str]) -> None:
    section = README.partition("## Use it from Python")[2].partition("\n## ")[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    first = next(index for index, line in enumerate(lines) if line.startswith("   face"))
    program, shown = lines[:first], lines[first:]
    exec("\n".join(program), {})
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [line.split() for line in shown]
