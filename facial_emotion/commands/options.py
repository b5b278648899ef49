"""Options that several commands have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facial_emotion.errors import InputError

if TYPE_CHECKING:
    from facial_emotion.data.fer2013 import Fer2013

# As in features.faces, which would import NumPy.
DETECTORS, SMALLEST = ("centerface", "dlib"), 10
DEFAULT_MODEL = "cnn-ferplus"  # as in recognizers
HEADS, LABELS = ("fer2013", "people"), ("fer2013", "people", "balanced")  # as in artifact.OUTPUTS and SUFFIXES


class Number(click.FloatRange):
    """A finite number in a range of at most a thousand millions."""

    def __init__(self, low: float, high: float = 1e9, open_at_low: bool = False) -> None:
        super().__init__(low, high, min_open=open_at_low)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails for what is none, for NaN, and outside the range."""
        number: float = super().convert(value, param, ctx)
        if number != number:  # NaN is in every range
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class Place(click.Path):
    """A path. One that begins with ~ is in a user's home, though shells leave it so in --out=~/results.csv."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(path_type=Path, **settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, unless a file has this very name."""
        return super().convert(in_home(value) if isinstance(value, str) else value, param, ctx)


def in_home(path: str) -> str:
    """A path that begins with ~ in the user's home, unless it is the name of a file."""
    return path if os.path.lexists(path) else os.path.expanduser(path)


Option = Callable[[Callable[..., None]], Callable[..., None]]  # a decorator of click
AT_ONCE = click.IntRange(1, 1024)  # threads or processes
data = click.option("--data", required=True, type=Place(), help="FER2013, as a CSV or a folder of pictures.")
training_data = click.option(
    "--data",
    required=True,
    type=Place(),
    help="FER2013, as a CSV or a folder; or your own: a CSV with names of emotions and without Usage, or pictures and "
    "videos in folders named by emotion.",
)
seed = click.option("--seed", default=0, show_default=True, help="Random seed.")
detector = click.option(
    "--detector", default=DETECTORS[0], show_default=True, type=click.Choice(DETECTORS), help="How faces are found."
)
min_face = click.option(
    "--min-face",
    type=Number(SMALLEST),
    help="Height in pixels of the smallest face to find; smaller takes longer. By default 3 % of a picture's longer "
    "side, at least 24; in video 40 at a width of 640. In pictures of over 24 megapixels the least is larger than 10.",
)
shares = click.option(
    "--shares",
    default="",
    metavar="WHAT",
    help="How common the emotions are there: even, estimate (from 50 faces or more) or, as far as you know it, "
    "neutral=0.6,happy=0.2; by default as the model expects.",
)
ask = click.option(
    "--ask",
    multiple=True,
    metavar="NAME=EMOTION",
    help="The emotion of another name that folders or a CSV's column emotion have, as joy=happy.",
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace a trained model of this name.")
threads = click.option("--threads", default=2, show_default=True, type=AT_ONCE, help="CPU threads.")


def labels(text: str, choices: Sequence[str] = LABELS, **settings: Any) -> Option:
    """The option --labels; settings: as of click.option."""
    return click.option("--labels", type=click.Choice(choices), help=text, **settings)


def check_needs(given: object, name: str, needs: Sequence[str], values: Sequence[object]) -> None:
    """Raise InputError for an option that is given without one of those that it needs."""
    if given and all(value is None for value in values):
        raise InputError(name, f"{' or '.join(needs)} with it", "none")


def asked(words: Sequence[str]) -> dict[str, str]:
    """The emotions of other names, from NAME=EMOTION."""
    from facial_emotion.features.emotions import encode

    emotions = {}
    for word in words:
        name, equals, emotion = word.partition("=")
        if not (name and equals):
            raise InputError("--ask", "NAME=EMOTION, as joy=happy", repr(word))
        encode([emotion])  # raises the error
        emotions[name] = emotion
    return emotions


def read_data(path: Path, words: Sequence[str]) -> Fer2013:
    """The data at a path, FER2013 or one's own; says what is special about it. words: of --ask. Raises InputError."""
    from facial_emotion.batch import own_data
    from facial_emotion.terminal import note

    data, remarks = own_data.read(path, asked(words))
    for remark in remarks:
        note(remark)
    return data


def split_names(names: str | None) -> list[str]:
    """Names that were given with commas between them."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]


def chosen_models(names: str | None) -> list[str]:
    """Names of models that were given with commas between them, by default of all. Raises InputError for none."""
    from facial_emotion import recognizers

    chosen = split_names(names) if names else recognizers.names()
    if not chosen:
        raise InputError("artifacts/", "a trained model", "none", "facial-emotion train lightgbm --data PATH")
    return chosen


def add(
    group: click.Group, name: str, own: Sequence[Option], function: Callable[..., None], epilog: str, short_help: str
) -> None:
    """Add the command of a model to a group. function: gets the name and the options; its docstring is the help."""

    def command(**given: Any) -> None:
        function(name, **given)

    decorated: Callable[..., None] = command
    for option in reversed(own):
        decorated = option(decorated)
    group.command(name, epilog=epilog, help=function.__doc__, short_help=short_help)(decorated)
