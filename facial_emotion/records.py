"""Typed records of what the project keeps as JSON: model cards, scores, and a benchmark's rows.

``parse`` checks a record where it is read; ``to_json`` is its inverse.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from facial_emotion import limits
from facial_emotion.errors import InputError

NEVER = 1.0 + 1e-6  # a threshold that no confidence reaches
_LARGEST = 1e300  # of numbers that are finite
_EXACT = (int, str, bool)  # types whose values are taken as they are: a card has a thousand
Record = TypeVar("Record")
Json = dict[str, Any]  # plain data, as in a JSON object


@dataclass(frozen=True)
class Valid:
    """What the values of a field have to be: Annotated[int, Valid("1 or more", lambda count: count >= 1)]."""

    expected: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class ClassScores:
    """Scores of one emotion, 0-1, and the number of rows with its label."""

    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True)
class Scores:
    """Scores of one model on the rows of one split. Shares and F1 are 0-1, log-loss is in nats.

    accuracy_low, accuracy_high: the 95 % interval; ...without_duplicates: rows without a near-duplicate in Training;
    coverage: share of the rows whose confidence reaches the model's threshold; confusion: counts (7, 7), row the label.
    """

    rows: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    rows_without_duplicates: int
    accuracy_without_duplicates: float | None
    macro_f1: float
    log_loss: float
    ece: float
    coverage: float
    accuracy_when_certain: float | None
    per_class: dict[str, ClassScores]
    confusion: list[list[int]] = field(repr=False)

    @property
    def mean_recall(self) -> float:
        """The mean of the recalls of the emotions that have rows, also called balanced accuracy."""
        recalls = [each.recall for each in self.per_class.values() if each.rows]
        return sum(recalls) / len(recalls)


@dataclass(frozen=True)
class PeopleScores:
    """Scores of one model against the votes of ten people (FER+) on the rows of one split.

    choice: on rows where one of the seven emotions has the most votes, with this emotion as the label; clear: on those
    where it has more than five. The rest is on rows with any vote for the seven, against the distribution of these
    votes: cross_entropy in nats, mean_absolute_error of a probability, and calibration_error, the mean distance of the
    confidence from the share of people who agree.
    """

    choice: Scores
    clear: Scores | None
    cross_entropy: float
    mean_absolute_error: float
    calibration_error: float


@dataclass(frozen=True)
class FileInfo:
    """A file of an artifact: SHA-256 in hexadecimal, and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Member:
    """A member of an ensemble, with the SHA-256 and size of its model. mirrored: it takes the mirrored crop."""

    name: str
    mirrored: bool
    weight: float
    sha256: str
    size: int


@dataclass(frozen=True)
class Card:
    """A trained model: what it takes, how it was trained, its scores by split, its licence, and its files.

    labels: those that it answers with, FER2013's ("fer2013"), the distribution of people's votes ("people"), or that of
    people without favour for what is common ("balanced"); offsets: what an ensemble adds to its members' weighted sum;
    model_of: the artifact that has the files, where another head of the same model is that artifact's; metrics: against
    FER2013's labels; people: against FER+; threshold: confidence below which an answer is uncertain; features: a
    classical model's feature recipe; landmarks: the fingerprint of the landmarks that it takes; members: an ensemble's;
    parity: of the export with the library that trained; variant: the compressed form that is served; shares, sharpness:
    how common its answers expect the emotions to be (see ``shares.py``).
    """

    name: str
    track: str
    input: str
    emotions: list[str]
    training: Json
    threshold: float
    metrics: dict[str, Scores]
    licence: str
    files: dict[str, FileInfo]
    labels: str = "fer2013"
    model_of: str | None = None
    people: dict[str, PeopleScores] = field(default_factory=dict)
    features: Json | None = None
    landmarks: str | None = None
    members: list[Member] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    offsets: list[Annotated[float, Valid("from -100 to 100", lambda offset: abs(offset) <= 100)]] = field(
        default_factory=list
    )
    calibration: str = ""
    parity: dict[str, float] | None = None
    variant: str | None = None
    variants: dict[str, dict[str, float]] = field(default_factory=dict)
    shares: list[float] = field(default_factory=list)
    sharpness: Annotated[float, Valid("from 0.1 to 10", lambda power: 0.1 <= power <= 10)] = 1.0

    def own(self, split: str) -> Scores:
        """The scores on a split against the labels that the model answers with."""
        return self.metrics[split] if self.labels == "fer2013" else self.people[split].choice


@dataclass(frozen=True)
class Latency:
    """Milliseconds at batch 1."""

    median_ms: float
    p95_ms: float


@dataclass(frozen=True)
class ColdStart:
    """Seconds from process start to the first answer, seconds of loading alone, and peak memory in MB."""

    first_answer_s: float
    load_s: float
    peak_memory_mb: float


@dataclass(frozen=True)
class BenchmarkRow:
    """The figures of one model in a benchmark. latency: by stage; crops_per_second: in batches of 64.

    labels: those that it answers with; scores: against FER2013's; people: against FER+'s votes, where there are any.
    """

    model: str
    track: str
    scores: Scores
    latency: dict[str, Latency]
    crops_per_second: float
    start: ColdStart
    size_mb: float
    people: PeopleScores | None = None
    labels: str = "fer2013"

    @property
    def own(self) -> Scores:
        """The scores against the labels that the model answers with."""
        return self.people.choice if self.labels != "fer2013" and self.people else self.scores

    @property
    def calibration_error(self) -> float:
        """The distance of confidence from the share of right answers or, for people's votes, of people who agree."""
        return self.people.calibration_error if self.labels != "fer2013" and self.people else self.scores.ece


def read_json(path: Path, expected: str = "JSON") -> Any:
    """The content of a JSON file. Raises InputError where it is none, or too large or too deep, and OSError."""
    if path.exists() and not path.is_file():  # a pipe would wait for ever, a device never end
        raise InputError(path, "a file of JSON", "a folder, pipe or device")
    with path.open("rb") as stream:
        content = stream.read(limits.JSON + 1)
    if len(content) > limits.JSON:
        raise InputError(path, f"at most {limits.JSON} bytes of JSON", "more")
    return parse_json(content, path, expected)


def parse_json(content: str | bytes, place: object, expected: str = "JSON") -> Any:
    """Parsed JSON. Raises InputError, which names the place, where it is none, or nested too deep."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(place, expected, str(error)) from error


def parse(kind: type[Record], value: object, place: object, strict: bool = False) -> Record:
    """A record from parsed JSON. Raises InputError that names the field.

    Keys that the record has not are ignored, as later versions may write them, or refused where it is strict.
    """
    if not isinstance(value, dict):
        raise InputError(place, "a JSON object", type(value).__name__)
    hints, entries, values = _hints(typing.cast(type, kind)), dataclasses.fields(kind), {}  # type: ignore[arg-type]
    for entry in entries:
        name, hint = entry.name, hints[entry.name]
        if name in value:
            own = value[name]
            exact = type(own) is hint and (hint in _EXACT or (hint is float and abs(own) < _LARGEST))
            values[name] = own if exact else _parsed(hint, own, place, name, strict)
        elif entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise InputError(place, f"{name!r} of type {_name(hint)}", "nothing")
    unknown = [name for name in value if name not in hints]
    if strict and unknown:
        raise InputError(place, f"only {', '.join(entry.name for entry in entries)}", ", ".join(unknown)[:80])
    return kind(**values)


@functools.cache
def _hints(kind: type) -> Json:
    """The type hints of a record's fields; evaluating them takes longer than all the rest."""
    return get_type_hints(kind, include_extras=True)


def to_json(record: Any) -> Json:
    """A record as plain data; fields that are empty, as they are by default, are left out."""
    plain = {}
    for entry in dataclasses.fields(record):
        value, default = getattr(record, entry.name), entry.default
        if entry.default_factory is not dataclasses.MISSING:
            default = entry.default_factory()
        if value or value != default:
            plain[entry.name] = _plain(value)
    return plain


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_json(value)
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value


def _parsed(hint: Any, value: Any, place: object, name: str, strict: bool) -> Any:
    """A field's value, checked against its type hint."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin is typing.Annotated:
        parsed = _parsed(arguments[0], value, place, name, strict)
        if parsed is not None and not arguments[1].holds(parsed):
            raise InputError(place, f"{name!r}, {arguments[1].expected}", json.dumps(value)[:80])
        return parsed
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _parsed(arguments[0], value, place, name, strict)
    if dataclasses.is_dataclass(hint):
        return parse(typing.cast(type, hint), value, f"{place}, {name}", strict)
    kinds: tuple[Any, ...] = (int, float) if hint is float else (origin or hint,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and hint is not bool):
        raise InputError(place, f"{name!r} of type {_name(hint)}", type(value).__name__)
    if hint is float and not abs(value) < _LARGEST:  # also true of NaN
        raise InputError(place, f"{name!r}, a finite number", str(value)[:80])
    if origin is dict:
        return {key: _parsed(arguments[1], entry, place, f"{name}.{key}", strict) for key, entry in value.items()}
    if origin is list:
        if arguments[0] in _EXACT and set(map(type, value)) <= {arguments[0]}:
            return value
        return [_parsed(arguments[0], entry, place, f"{name}.{index}", strict) for index, entry in enumerate(value)]
    return value


def _name(hint: object) -> str:
    """A type in a message."""
    arguments = get_args(hint)
    if get_origin(hint) in (typing.Union, types.UnionType, typing.Annotated):
        return _name(arguments[0])
    return str(getattr(get_origin(hint) or hint, "__name__", hint))
