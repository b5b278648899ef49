"""The results file and its journal: what is refused before the work, and names of any kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from facial_emotion import recognizers
from facial_emotion.batch.output import Output
from facial_emotion.batch.rows import COLUMNS, Options, empty_row
from facial_emotion.batch.sources import Source
from facial_emotion.errors import InputError, OutputError, shown

SOURCES = [Source(f"{index}.jpg") for index in range(3)]
OPTIONS = Options("lightgbm", without_face=True)
ODD = st.sampled_from("\n\r\x85\x9b\x1b\u202e\u2028\u2066\ufeff\udc85\udcff\\x085ua=-.\\")
NAMES = st.text(ODD | st.characters(max_codepoint=0x1FFFF, exclude_categories=["Cs"]), min_size=1, max_size=8)


@contextmanager
def opened(out: Path, resume: bool = False) -> Iterator[Output]:
    """The output of a run that ends before its last source."""
    output = Output(out, OPTIONS, SOURCES, resume, overwrite=False)
    try:
        yield output
    finally:
        output.close(complete=False)


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """The results of a run that was interrupted after the first source."""
    with opened(tmp_path / "results.csv") as output:
        output.add([empty_row(SOURCES[0])])
        output.close_source()
    return tmp_path / "results.csv"


@pytest.mark.attack("two runs on the same results", "the second is refused")
def test_a_second_run_on_the_same_results_is_refused(interrupted: Path) -> None:
    with opened(interrupted, resume=True), pytest.raises(InputError, match="expected no other run that writes it"):
        Output(interrupted, OPTIONS, SOURCES, resume=True, overwrite=False)
    with opened(interrupted, resume=True):
        journal = interrupted.with_name("results.csv.journal")
        content = journal.read_bytes(), interrupted.read_bytes()
        with pytest.raises(InputError, match="expected no other run that writes it"):
            Output(interrupted, OPTIONS, SOURCES[:1], resume=False, overwrite=True)
        assert (journal.read_bytes(), interrupted.read_bytes()) == content
    with opened(interrupted, resume=True) as output:
        assert (output.done, output.rows, output.without_face) == (1, 1, 1)


@pytest.mark.attack("results that lost rows before --resume", "refused")
@pytest.mark.parametrize("change", ["deleted", "emptied", "shortened"])
def test_results_that_lost_rows_are_not_resumed(change: str, interrupted: Path) -> None:
    content = interrupted.read_bytes()
    interrupted.write_bytes(b"" if change == "emptied" else content[:-1])
    if change == "deleted":
        interrupted.unlink()
    with pytest.raises(InputError, match=rf"results.csv: expected {len(content)} bytes or more, found "):
        Output(interrupted, OPTIONS, SOURCES, resume=True, overwrite=False)


@pytest.mark.attack("a journal of nonsense", "one line")
@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"counts": {"done": "1"}}', '{"counts": 7, "sizes": 7}', "\0\0", "\xff", "9" * 5_000),
        *("[" * 100_000, '{"counts":' * 100_000),
    ],
)
def test_a_journal_of_nonsense_is_one_line(text: str, interrupted: Path) -> None:
    Path(f"{interrupted}.journal").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"results.csv.journal: expected a valid journal") as caught:
        Output(interrupted, OPTIONS, SOURCES, resume=True, overwrite=False)
    assert "\n" not in str(caught.value)


@pytest.mark.attack("another model under the same name, --resume", "refused")
def test_another_model_of_the_same_name_is_another_run(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognizers, "fingerprint", lambda name: "other")
    with pytest.raises(InputError, match="expected the same run, found different model"):
        Output(interrupted, OPTIONS, SOURCES, resume=True, overwrite=False)


@pytest.mark.attack("results that can't be written", "one line before the work")
def test_what_can_not_be_written_is_one_line_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full.csv").symlink_to("/dev/full")
    for out in (tmp_path / "file" / "results.csv", tmp_path / "full.csv"):
        with pytest.raises(OutputError, match="expected a file that can be written"):
            Output(out, OPTIONS, SOURCES, resume=False, overwrite=True)


@pytest.mark.attack("names with any bytes", "one line of text each")
@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
@example(["a\nb", r"a\x0ab"])
@example(["a\x85", "a\udc85"])
@example(["a\u202eb", r"a\u202eb"])
@example(["a\u2028b", "a\\\\u2028b"])
@settings(max_examples=300)
def test_names_of_any_kind_are_one_line_of_text_and_stay_apart(names: list[str]) -> None:
    first, second = (shown(name) for name in names)
    assert first != second or {f"./{name}" for name in names} & set(names)
    for text in (first, second, str(InputError(names[0], "this", "that"))):
        text.encode("utf-8")
        assert not re.search("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    assert first[0] not in "=+-@"


def test_a_table_for_excel_has_decimal_commas(tmp_path: Path) -> None:
    options = replace(OPTIONS, excel=True)
    output = Output(tmp_path / "results.csv", options, SOURCES, resume=False, overwrite=False)
    output.add([empty_row(Source("a;b.jpg"), 3, 0.125)])
    for _ in SOURCES:
        output.close_source()
    output.close(complete=True)
    assert output.path.read_bytes().startswith(b"\xef\xbb\xbfsource;frame;seconds;page;face;")
    table = pd.read_csv(output.path, sep=";", decimal=",")
    assert (table["source"][0], table["frame"][0], table["seconds"][0]) == ("a;b.jpg", 3, 0.125)
    with pytest.raises(InputError, match=r"expected a name that ends in \.csv, with --excel, found '\.jsonl'"):
        Output(tmp_path / "results.jsonl", options, SOURCES, resume=False, overwrite=False)


@pytest.mark.attack("names with formulas and control characters", "alike in CSV, JSONL and Parquet")
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_format_has_the_same_names(suffix: str, tmp_path: Path) -> None:
    names = ["=1+1.jpg", "a\nb.jpg", "\udcff.jpg", 'with "quotes", commas.jpg']
    sources = [Source(name) for name in names]
    output = Output(tmp_path / f"results.{suffix}", OPTIONS, sources, resume=False, overwrite=False)
    for source in sources:
        output.add([empty_row(source)])
        output.fail(source, "no reason")
        output.close_source()
    output.close(complete=True)
    read = {"csv": pd.read_csv, "jsonl": lambda path: pd.read_json(path, lines=True), "parquet": pd.read_parquet}
    table = read[suffix](output.path)
    assert list(table.columns) == list(COLUMNS)
    assert list(table["source"]) == ["./=1+1.jpg", r"a\x0ab.jpg", r"\xff.jpg", names[3]]
    assert [path for path, _ in output.failed()] == list(table["source"])
    json.dumps(list(table["source"])).encode()
