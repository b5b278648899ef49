"""What people do in the app, and what they see."""

from __future__ import annotations

import io
import itertools
import time

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import FrameLocator, Page, expect

from facial_emotion import examples, recognizers, scene
from facial_emotion.drawing import COLOURS
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.views.image import NO_FACE
from tests.browser.conftest import WAIT, Open, choose, settled
from tests.views.test_views import encoded, hostile

PAGES = ("", "live", "compare", "why", "about")

# Pixels of the video that are nearly of a colour.
COUNT_PIXELS = """(video, colour) => {
    const canvas = document.createElement('canvas')
    canvas.width = video.videoWidth; canvas.height = video.videoHeight
    if (!canvas.width) return 0
    const context = canvas.getContext('2d')
    context.drawImage(video, 0, 0)
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data
    let count = 0
    for (let at = 0; at < pixels.length; at += 4)
        count += [0, 1, 2].every(band => Math.abs(pixels[at + band] - colour[band]) < 45)
    return count
}"""


def give(page: Page, *files: tuple[str, bytes]) -> None:
    payloads = [{"name": name, "mimeType": "image/jpeg", "buffer": content} for name, content in files]
    page.locator("[data-testid=stFileUploaderDropzoneInput]").first.set_input_files(payloads)  # type: ignore[arg-type]


def downloaded(page: Page, name: str) -> pd.DataFrame:
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button", name=name).click()
    return pd.read_csv(io.BytesIO(download.value.path().read_bytes()))


def test_an_uploaded_portrait_shows_one_happy_face(visit: Open) -> None:
    page = visit("")
    give(page, ("portrait.png", encoded(examples.portrait())))
    expect(page.get_by_text("1 · happy")).to_be_visible(timeout=WAIT)
    table = downloaded(page, "CSV")
    assert table[["face", "label"]].to_numpy().tolist() == [[1, "happy"]]


def test_a_picture_without_a_face_gets_the_sentence(visit: Open) -> None:
    page = visit("")
    give(page, ("wall.png", encoded(np.full((300, 400, 3), 120, dtype=np.uint8))))
    expect(page.get_by_text(NO_FACE)).to_be_visible(timeout=WAIT)


def test_hostile_uploads_leave_the_rest_and_the_server_whole(visit: Open) -> None:
    page = visit("")
    give(page, *hostile().items(), ("good.png", encoded(examples.portrait())))
    expect(page.get_by_text("1 · happy")).to_be_visible(timeout=WAIT)
    for name in hostile():
        expect(page.get_by_text(f"{name} could not be read")).to_be_visible()
    expect(visit("about").get_by_role("heading", level=1)).to_be_visible()


def test_live_video_is_followed_and_changes_its_model(visit: Open) -> None:
    page = visit("live")
    choose(page, "Model", "lightgbm")
    settled(page)
    streamer = page.frame_locator("iframe[title*=webrtc_streamer]")
    streamer.get_by_role("button", name="START").click()
    pressed = time.monotonic()
    video = streamer.locator("video")
    happy = COLOURS["happy"]
    while video.evaluate(COUNT_PIXELS, happy) < 500:  # box, label and bar
        assert time.monotonic() < pressed + 10, "no box within 10 s"
        time.sleep(0.1)
    video.evaluate("video => { video.marked = true }")
    expect(page.get_by_text("lightgbm: find")).to_be_visible(timeout=WAIT)
    before = played(streamer)
    choose(page, "Model", "svm")  # while the video runs
    expect(page.get_by_text("svm: find")).to_be_visible(timeout=WAIT)
    assert played(streamer) > before
    assert video.evaluate("video => video.marked"), "the video was begun anew"
    wait_for_absence(streamer)
    streamer.get_by_role("button", name="STOP").click()
    record = downloaded(page, "Download what was seen")
    assert (record["label"] == "happy").mean() > 0.9
    breaks = record["seconds"].diff() > 0.6  # nobody was there
    visits = [part["face"].unique().tolist() for _, part in record.groupby(breaks.cumsum())]
    assert all(len(numbers) == 1 for numbers in visits), visits
    assert all(before != after for before, after in itertools.pairwise(visits))


def played(streamer: FrameLocator) -> float:
    return streamer.locator("video").evaluate("video => video.currentTime")


def wait_for_absence(streamer: FrameLocator) -> None:
    """The face leaves the picture, and its box with it."""
    for _ in range(WAIT // 50):
        if all(streamer.locator("video").evaluate(COUNT_PIXELS, COLOURS[name]) < 50 for name in ("happy", "angry")):
            return
        time.sleep(0.05)
    raise AssertionError("the box stayed")


def test_ten_viewers_get_the_answers_of_their_own_models(visit: Open) -> None:
    names = list(itertools.islice(itertools.cycle(recognizers.names()), 10))
    pages = [visit("", wait=False) for _ in names]
    for page, name in zip(pages, names, strict=True):
        settled(page)
        choose(page, "Model", name)
    for page in pages:
        page.get_by_role("tab", name="Example").click()
        page.get_by_role("button", name="Show the example").click()
    for page, name in zip(pages, names, strict=True):
        expect(page.get_by_text("1 · happy")).to_be_visible(timeout=WAIT)
        settled(page)
        table = downloaded(page, "CSV")
        expected = scene.table(scene.faces_in(examples.portrait(), recognizers.load(name)))
        np.testing.assert_allclose(table[list(EMOTIONS)], expected[list(EMOTIONS)], atol=2e-4, err_msg=name)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_on_a_phone(visit: Open, name: str) -> None:
    page = visit(name, width=390)
    wide = page.evaluate("[...document.querySelectorAll('section, main, body')].map(x => x.scrollWidth)")
    assert max(wide) <= 390
