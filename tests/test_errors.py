"""Programs end with one line and an exit code that says how."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence

import click
import pytest

from facial_emotion.commands import run
from facial_emotion.errors import InputError, OutputError


def ended(
    action: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: Sequence[str] = ("program",),
) -> tuple[object, str]:
    monkeypatch.setattr("sys.argv", list(words))

    @click.command()
    @click.argument("words", nargs=-1)
    def command(words: tuple[str, ...]) -> None:
        action()

    with pytest.raises(SystemExit) as stopped:
        run(command)
    return stopped.value.code, capsys.readouterr().err


def fail(error: BaseException) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = InputError("a.csv", "numbers\nonly", "'x'", "check it")
    assert ended(fail(error), capsys, monkeypatch) == (2, "error: a.csv: expected numbers only, found 'x'; check it\n")


def test_ctrl_c_is_one_line_and_exit_code_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = ended(fail(KeyboardInterrupt()), capsys, monkeypatch)
    assert code == 130
    assert said.strip() == "stopped"


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["compare.py"], "bench"),
        (["facial-emotion", "train", "svm"], "train"),
        (["other"], "app, bench, cli, serve, train"),
    ],
)
def test_a_missing_package_names_the_extra_that_has_it(
    words: list[str], extra: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = ended(fail(ModuleNotFoundError(name="sklearn.svm")), capsys, monkeypatch, words)
    assert (code, said) == (
        2,
        f"error: sklearn.svm is not installed: install facial-emotion with the extra [{extra}]\n",
    )


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["program"])
    with pytest.raises(ZeroDivisionError):
        run(click.command()(lambda: 1 / 0))


@pytest.mark.parametrize(
    "error", [InputError("a.csv", "numbers", "'x'", "check it"), OutputError("/full", "room", "none")]
)
def test_an_error_comes_back_from_another_process_as_it_was(error: Exception) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back)) == (type(error), str(error))
