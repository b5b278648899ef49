"""Tables in the terminal: whatever its width, nothing of a table is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facial_emotion import paths
from facial_emotion.evaluation import results, tables
from facial_emotion.terminal import print_tables, table

WORDS = st.from_regex(r"[a-z0-9.%-]{1,24}", fullmatch=True)


def read_back(text: str, width: int) -> dict[str, list[str]]:
    """The cells of each row of one printed table, by its first cell; they are in the order of the columns."""
    found: dict[str, list[str]] = {}
    inside = False
    for line in text.splitlines():
        if re.fullmatch(r" ─+ ?", line):
            inside = True
        elif not line.strip():
            inside = False
        elif inside:
            first, *rest = re.split(r" {2,}", line.strip())
            assert len(line.rstrip()) <= width or len(rest) == 1, line
            found.setdefault(first, []).extend(rest)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(WORDS, min_size=4, max_size=4), min_size=1, max_size=5), st.sampled_from([20, 40, 60, 80, 120])
)
def test_every_cell_is_printed_whole_at_every_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rows: list[list[str]], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    made = table("a title", ["model", "one", "two of\nthem", "three"])
    for number, row in enumerate(rows):
        made.add_row(f"{number}-{row[0]}", *row[1:])
    print_tables([made])
    found = read_back(capsys.readouterr().out, width)
    assert found == {f"{number}-{row[0]}": row[1:] for number, row in enumerate(rows)}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_figure_of_the_benchmark_can_be_read_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows, about = results.read(paths.RESULTS)
    for labels in results.QUESTIONS:
        print_tables([tables.short(rows, labels, about)])
        found = read_back(capsys.readouterr().out, width)
        chosen = [row for row in rows if row.labels == labels]
        assert found == {
            row.model: [
                f"{row.own.accuracy:.1%}",
                f"{row.own.mean_recall:.1%}",
                f"{row.latency['crop to label'].median_ms:.1f}",
                f"{row.latency['frame to label'].median_ms:.1f}",
                f"{row.size_mb:.1f}",
            ]
            for row in chosen
        }
        shares = [float(cells[labels == "balanced"].rstrip("%")) for cells in found.values()]
        assert shares == sorted(shares, reverse=True)
    for made in tables.full(rows, about):
        cells = {
            str(list(made.columns[0].cells)[row]): [str(list(column.cells)[row]) for column in made.columns[1:]]
            for row in range(made.row_count)
        }
        print_tables([made])
        printed = capsys.readouterr().out
        assert "…" not in printed
        assert read_back(printed, width) == cells


def test_a_model_is_judged_by_the_labels_that_it_answers_with() -> None:
    rows, about = results.read(paths.RESULTS)
    first = tables.full(rows, about)[0]
    assert "what people would say" in str(first.title)
    assert {str(cell) for cell in first.columns[0].cells} == {row.model for row in rows if row.labels == "people"}
    row = next(row for row in rows if row.model == "cnn-ferplus")
    assert row.people is not None
    assert row.own is row.people.choice
    line = next(line for line in results.to_csv(rows).splitlines() if line.startswith("cnn-ferplus,"))
    assert line.split(",")[:3] == ["cnn-ferplus", "people", str(row.people.choice.accuracy)]
