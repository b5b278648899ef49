"""Attacks: tests of hostile and odd input, marked ``@pytest.mark.attack(tried, expected)``, and the table of them.

    make attack

This runs the attacks alone, the longest for its whole time, and ends with what was tried, expected and found.
"""

from __future__ import annotations

from typing import Any

import pytest

_PROPERTY = "attack"


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether the attacks run alone: then the longest takes its whole time."""
    return _alone(request.config)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what an attack tries and expects in the report of its test."""
    for mark in item.iter_markers("attack"):
        item.user_properties.append((_PROPERTY, list(mark.args)))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table of the attacks, where they ran alone."""
    if not _alone(config):
        return
    found: dict[tuple[str, str], list[str]] = {}
    for outcome in ("passed", "skipped", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            for tried, expected in (value for name, value in report.user_properties if name == _PROPERTY):
                found.setdefault((tried, expected), []).append(_text(report, outcome))
    terminalreporter.section("attacks")
    for (tried, expected), texts in found.items():
        different = [text for text in texts if text != "as expected"]
        count = f" ({len(texts)} times)" if len(texts) > 1 else ""
        terminalreporter.write_line(
            f"{tried:68}  {expected:72}  {different[0] if different else 'as expected' + count}"
        )


def _alone(config: pytest.Config) -> bool:
    return str(config.getoption("markexpr")).startswith("attack")


def _text(report: Any, outcome: str) -> str:
    """What was found, in a few words."""
    if outcome == "passed":
        return "as expected"
    if outcome == "skipped":
        return f"not tried: {report.longrepr[2]}"
    crash = getattr(report.longrepr, "reprcrash", None)
    return f"DIFFERENT: {' '.join((crash.message if crash else str(report.longrepr)).split())[:200]}"
