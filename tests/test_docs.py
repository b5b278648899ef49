"""README, the commands and their help agree."""

from __future__ import annotations

import json
import re
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from facial_emotion import artifact
from facial_emotion.commands import facial_emotion, options
from facial_emotion.features import faces
from workshop.__main__ import main as workshop

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"^ {4}(facial-emotion|python -m workshop) ([^#\n]*)", README, re.MULTILINE)


def commands(group: click.Group, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group, with the words that name it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)


def test_options_are_those_of_the_modules_that_would_take_long_to_import() -> None:
    assert tuple(faces.DETECTORS) == options.DETECTORS
    assert (tuple(artifact.OUTPUTS), tuple(artifact.SUFFIXES)) == (options.HEADS, options.LABELS)
    assert (options.DETECTORS[0], options.SMALLEST) == (faces.DEFAULT, faces.SMALLEST)


PROGRAMS = {"facial-emotion": dict(commands(facial_emotion)), "python -m workshop": dict(commands(workshop))}
COMMANDS = [(program, name) for program, names in PROGRAMS.items() for name in names]


def parsed(program: str, words: str) -> click.Context:
    """The words as a program's parser takes them; it fails on a command, option or choice that there is not."""
    name: tuple[str, ...] = ()
    rest = shlex.split(words)
    while rest and (*name, rest[0]) in PROGRAMS[program]:
        name, rest = (*name, rest[0]), rest[1:]
    assert name, words
    return PROGRAMS[program][name].make_context(" ".join(name), rest, resilient_parsing=False)


@pytest.mark.parametrize(("program", "words"), EXAMPLES)
def test_commands_in_the_readme_are_understood(program: str, words: str) -> None:
    assert parsed(program, words).params


def test_the_readme_shows_every_command() -> None:
    shown = {words.split()[0] for program, words in EXAMPLES if program == "facial-emotion"}
    assert shown | {"app"} == {name[0] for name in PROGRAMS["facial-emotion"]}
    assert "make app" in README


@pytest.mark.parametrize(("program", "name"), COMMANDS)
def test_every_help_carries_an_example_that_works(program: str, name: tuple[str, ...]) -> None:
    command = PROGRAMS[program][name]
    assert command.epilog is not None
    words = command.epilog.removeprefix(f"Example: {program} ")
    assert parsed(program, words).params
    assert words.startswith(" ".join(name))
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert all(option.help or option.default is not None for option in options)


@pytest.mark.parametrize("name", ["compare", "recognize", "serve"])
def test_the_scripts_at_the_top_are_the_commands(name: str) -> None:
    texts = []
    for program in ([f"{name}.py"], ["-m", "facial_emotion", name]):
        done = subprocess.run(
            [sys.executable, *program, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        texts.append(done.stdout.partition("\n")[2])
    assert texts[0] == texts[1]


def test_make_targets_in_the_readme_exist() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"make ([a-z]+)", README):
        if target != "help":
            assert re.search(rf"make {target}\b", listed), target


def test_files_and_folders_in_the_readme_exist() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_example_in_python_prints_what_the_readme_shows(capsys: pytest.CaptureFixture[str]) -> None:
    section = README.partition("## Use it from Python")[2].partition("\n## ")[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    first = next(index for index, line in enumerate(lines) if line.startswith("   face"))
    program, shown = lines[:first], lines[first:]
    exec("\n".join(program), {})
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [line.split() for line in shown]


def test_figures_about_shares_are_those_of_their_benchmark() -> None:
    kinds = json.loads((ROOT / "artifacts" / "results" / "shares.json").read_text())["models"]["cnn-ferplus"]
    other, same = (
        [f"{kinds[kind]['200'][answer]['accuracy']:.1%}" for answer in ("as it is", "estimated")]
        for kind in ("any", "as in FER2013")
    )
    text = " ".join((ROOT / "README.md").read_text().split())
    assert f"is right on {other[0]} as it is and on {other[1]} with estimated shares" in text
    assert f"of faces that are as in FER2013 on {same[0]} and {same[1]}" in text


def test_the_figures_of_the_page_in_the_browser_are_those_of_the_benchmark() -> None:
    figures = json.loads((ROOT / "artifacts" / "results" / "browser.json").read_text())
    minutes = figures["minutes"]
    assert not any(minute["requests"] for minute in minutes)
    rate = statistics.median(minute["recognitions_per_second"] for minute in minutes)
    text = " ".join(README.split())
    assert f"first label {figures['first_label_s']:.1f} s after" in text
    assert f"({figures['sizes']['first_label_compressed'] / 1e6:.1f} MB, where the host compresses it)" in text
    assert f"looks at {int(rate)} frames a second" in text
    assert f"memory grows by {minutes[9]['memory_mb'] - minutes[0]['memory_mb']} MB" in text


def test_figures_about_packages_are_those_of_their_benchmark() -> None:
    figures = json.loads((ROOT / "artifacts" / "results" / "libraries.json").read_text())
    theirs = max(fit["accuracy"] for fit in figures["svm"]["theirs"].values())
    hog, lbp = (f"{figures[name]['ratio']:.1f} times" for name in ("hog", "lbp"))
    text = (ROOT / "README.md").read_text()
    assert f"its HOG takes {hog} and its LBP {lbp} as long" in text
    assert f"of {figures['svm']['rows']:,} faces it is right on {figures['svm']['ours']['accuracy']:.1%}" in text
    assert f"`SVC` on at most {theirs:.1%}" in text
