"""Whatever is clicked while the app is at work, nothing breaks, and what was done is kept."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from facial_emotion import examples
from facial_emotion.video.reader import Frame
from facial_emotion.video.writer import annotated_copy
from tests.browser.conftest import TIMEOUT_MS, Open, choose, wait_until_settled
from tests.browser.test_browser import downloaded, go, upload
from tests.views.pages import encoded

_PHOTOS = 40
_STOP = "Stop, and keep what is done"
Act = Callable[[Page], Page]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory, whole: bool) -> Path:
    """A video that takes long enough to be clicked at."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    frames = list(examples.video())
    with annotated_copy(path) as write:
        for number, (_, rgb) in enumerate(itertools.chain.from_iterable(itertools.repeat(frames, 17 if whole else 8))):
            write(Frame(number, number / 15, rgb), [])
    return path


@pytest.fixture(scope="session")
def photos() -> list[tuple[str, bytes]]:
    call = examples.call()
    shifted = (call[:, 3 * number :] for number in range(_PHOTOS))
    return [(f"{number}.jpg", encoded(rgb, "JPEG")) for number, rgb in enumerate(shifted)]


def stop(page: Page) -> Page:
    page.get_by_role("button", name=_STOP).click()
    return page


def toggle(page: Page) -> Page:
    page.get_by_text("Show landmarks").click()
    return page


def change_model(page: Page) -> Page:
    current = page.get_by_role("combobox", name="Model").input_value()
    choose(page, "Model", "cnn" if current == "lightgbm" else "lightgbm")
    return page


def reload(page: Page) -> Page:
    page.reload()
    return page


def second_tab(page: Page) -> Page:
    other = page.context.new_page()
    other.goto(page.url)
    page.close()
    return other


def leave(page: Page) -> Page:
    go(page, "About")
    page.go_back()
    return page


ACTS = (stop, toggle, change_model, reload, second_tab, leave)
pytestmark = pytest.mark.attack("clicks while the app is at work", "nothing breaks, and what was done is kept")


@pytest.fixture
def times(whole: bool) -> int:
    """How often each thing is done."""
    return 10 if whole else 1


def begin(page: Page, film: Path) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(film)
    page.get_by_text(re.compile(r"film\.mp4: \d")).wait_for()


def end(page: Page) -> None:
    """Stop the analysis of a video: what is done is there, and can be removed."""
    stop(page)
    expect(page.get_by_role("heading", name=re.compile(r"\d faces? in \d+ s"))).to_be_visible(timeout=TIMEOUT_MS)
    wait_until_settled(page)
    assert page.get_by_test_id("stException").count() == 0
    assert len(downloaded(page, "CSV")) > 0
    page.get_by_role("button", name="Remove film.mp4").click()
    page.get_by_role("button", name="Try the example").wait_for()


def test_a_video_is_stopped(visit: Open, film: Path, times: int) -> None:
    page = visit("video")
    for number in range(times):
        begin(page, film)
        page.wait_for_timeout(150 * number)  # not always at the same moment
        end(page)


@pytest.mark.parametrize("act", [toggle, change_model, reload, second_tab, leave])
def test_a_video_at_work(visit: Open, film: Path, act: Act, times: int) -> None:
    page = visit("video")
    begin(page, film)
    for _ in range(times):
        page = act(page)
        page.get_by_role("button", name=_STOP).wait_for()
    assert page.get_by_test_id("stException").count() == 0
    end(page)


def test_photos_at_work(visit: Open, photos: list[tuple[str, bytes]], times: int) -> None:
    page = visit("")
    for number, act in enumerate(itertools.islice(itertools.cycle(ACTS), 10 if times > 1 else 2)):
        upload(page, *photos)
        page.get_by_role("button", name=_STOP).wait_for()
        page.wait_for_timeout(100 * number)
        page = act(page)
        # All pictures are done, or after a stop those that were, and the rest when it goes on.
        answer = page.get_by_role("heading", name=f"faces in {_PHOTOS} pictures")
        rest = page.get_by_role("button", name="Go on")
        expect(answer.or_(rest).first).to_be_visible(timeout=TIMEOUT_MS)
        wait_until_settled(page)
        if rest.is_visible():
            rest.click()
        expect(answer).to_be_visible(timeout=TIMEOUT_MS)
        wait_until_settled(page)
        assert page.get_by_test_id("stException").count() == 0
        assert downloaded(page, "CSV")["file"].unique().tolist() == [name for name, _ in photos]
        page.get_by_role("button", name=f"Remove {_PHOTOS} pictures").click()
        expect(answer).to_have_count(0, timeout=TIMEOUT_MS)
        wait_until_settled(page)
