"""The page that computes in the browser: the same crops, probabilities and faces as in Python, and no request."""

from __future__ import annotations

import base64
import io
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page

from facial_emotion import examples, recognizers, scene
from facial_emotion.features.crops import crop_faces
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import find_faces
from facial_emotion.features.visibility import are_visible
from facial_emotion.web import site
from tests.browser.conftest import TIMEOUT_MS
from tests.made import write_video

BITMAP = "createImageBitmap(new Blob([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))]))"


@pytest.fixture(scope="module")
def site_address() -> Iterator[str]:
    with site.server("127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def visitor(browser: Browser, address: str) -> Iterator[Page]:
    """The page, ready, as a new visitor has it. It may log no error."""
    context = browser.new_context(permissions=["camera"], locale="en-GB")
    context.set_default_timeout(TIMEOUT_MS)
    opened, errors = context.new_page(), list[str]()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    opened.goto(address)
    opened.wait_for_selector("body[data-ready]")
    yield opened
    context.close()
    assert not errors


@pytest.fixture
def page(site_address: str, browser: Browser) -> Iterator[Page]:
    with visitor(browser, site_address) as opened:
        yield opened


@pytest.fixture(scope="module")
def engine(site_address: str, browser: Browser) -> Iterator[Page]:
    """One page for all tests of what the engine computes."""
    with visitor(browser, site_address) as opened:
        yield opened


def choose(page: Page, model: str) -> None:
    page.select_option("#model", model)
    page.wait_for_selector(f"body[data-ready={model}]")


def until(page: Page, condition: str) -> None:
    """Wait for a condition in JavaScript; Playwright's own wait would need eval, which the page forbids."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


def asked(page: Page, task: str, rgb: np.ndarray | None = None, **values: object) -> Any:
    """The engine's answer, for a picture uint8 RGB (h, w, 3) or for other values."""
    content = None
    if rgb is not None:
        stream = io.BytesIO()
        Image.fromarray(rgb).save(stream, "PNG")
        content = base64.b64encode(stream.getvalue()).decode()
    program = f"""async ({{task, content, values}}) => {{
        if (values.crops) values.crops = values.crops.map((crop) => Uint8Array.from(crop));
        const image = content ? await {BITMAP} : null;
        const answer = await page.recognizer.ask(task, {{ image, ...values }}, image ? [image] : []);
        if (answer.crops) answer.crops = answer.crops.map((crop) => Array.from(crop));
        return answer;
    }}"""
    return page.evaluate(program, {"task": task, "content": content, "values": values})


def pictures() -> dict[str, np.ndarray]:
    """Pictures with faces of several sizes, tilts and places."""
    portrait = examples.portrait()
    larger = np.array(Image.fromarray(portrait[:300, 60:390]).resize((990, 900), Image.Resampling.BICUBIC))
    tilted = np.array(Image.fromarray(portrait).rotate(35, Image.Resampling.BICUBIC))
    small = np.array(Image.fromarray(portrait).resize((portrait.shape[1] // 3, portrait.shape[0] // 3)))
    crowd = np.full((480, 640, 3), 90, np.uint8)
    for left, top in ((20, 30), (230, 250), (450, 60)):
        crowd[top : top + small.shape[0], left : left + small.shape[1]] = small[: 480 - top, : 640 - left]
    return {
        "portrait": portrait,
        "officer": examples.officer(),
        "frame": examples.frame(),
        "large": larger,
        "tilted": tilted,
        "crowd": crowd,
    }


@pytest.mark.parametrize("name", pictures())
def test_crops_are_those_of_python(name: str, engine: Page) -> None:
    rgb = pictures()[name]
    faces = find_faces(rgb)
    assert len(faces)
    listed = [
        {"box": box.tolist(), "points": points.tolist()} for box, points in zip(faces.boxes, faces.points, strict=True)
    ]
    found = np.array(asked(engine, "crops", rgb, faces=listed)["crops"], np.uint8).reshape(-1, 48, 48)
    assert np.abs(found.astype(int) - crop_faces(rgb, faces)).max() <= 2


@pytest.mark.parametrize("name", site.MODELS)
def test_probabilities_are_those_of_python(name: str, engine: Page, crops: np.ndarray) -> None:
    choose(engine, name)
    flat = crops.reshape(len(crops), -1).tolist()
    found = np.array(asked(engine, "probabilities", crops=flat)["probabilities"])
    distance = np.abs(found - recognizers.load(name).predict_proba(crops)).max(axis=1)
    # In 8 bits a value between two steps may be rounded up here and down there, as it may on another processor.
    assert (distance <= 1e-4).mean() > 0.9
    assert distance.max() < 5e-3


@pytest.mark.parametrize("name", pictures())
def test_faces_and_labels_are_those_of_python(name: str, engine: Page) -> None:
    rgb = pictures()[name]
    choose(engine, site.MODELS[0])
    own = asked(engine, "picture", rgb)["faces"]
    faces = scene.faces_in(rgb, recognizers.load(site.MODELS[0]))
    assert [(EMOTIONS[face["emotion"]], face["certain"]) for face in own] == [
        (face.label, face.certain) for face in faces
    ]
    for face, other in zip(own, faces, strict=True):
        assert np.abs(np.array(face["box"]) - other.box).max() <= 0.08 * (other.box[2] - other.box[0]) + 2


def test_live_video_is_recognised_without_a_request_and_without_the_server(browser: Browser) -> None:
    context = browser.new_context(permissions=["camera"], locale="de-DE")
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    with site.server("127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}")
        page.wait_for_selector("body[data-ready]")
        page.evaluate("navigator.serviceWorker.ready.then(() => {})")
        server.shutdown()
    page.reload()  # from what the service worker kept
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate("crossOriginIsolated")
    requests = list[str]()
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_role("button", name="Kamera starten").click()
    until(page, "page.rows.length > 30")
    assert [url for url in requests if not url.startswith("blob:")] == []
    labels = page.evaluate("Array.from(page.rows, (row) => row[14])")
    assert labels.count(EMOTIONS.index("happy")) > 0.9 * len(labels)
    with page.expect_download() as download:
        page.get_by_role("button", name="Anhalten").click()
        page.get_by_role("button", name="Zeilen herunterladen").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("seconds,face,left,top,right,bottom,detection,angry,")
    assert len(lines) == page.evaluate("page.rows.length") + 1
    context.close()


def test_nothing_breaks_that_is_clicked_in_mid_run(page: Page, tmp_path: Path) -> None:
    Image.fromarray(examples.portrait()).save(tmp_path / "portrait.jpg")
    page.evaluate("document.querySelector('#camera').click(), document.querySelector('#camera').click()")  # at once
    until(page, "page.rows.length > 3")
    page.select_option("#model", "cnn-balanced")
    page.select_option("#language", "es")
    until(page, "page.rows.at(-1)?.[16] === 'cnn-balanced'")
    assert not page.is_visible("#summary")
    page.set_input_files("#file", tmp_path / "portrait.jpg")
    until(page, "document.querySelector('#status').textContent === 'Caras: 1'")
    assert page.evaluate("document.querySelector('video').srcObject") is None
    page.select_option("#model", "cnn-ferplus")
    page.click("#stop")
    for _ in range(3):
        page.click("#camera")
        page.click("#stop")
    page.click("#camera")
    until(page, "page.rows.length > 3")
    page.evaluate("page.source.camera.getTracks()[0].stop()")  # as a camera that is unplugged
    until(page, "page.source === null")
    assert page.is_visible("#summary")


def test_a_video_file_is_recognised_to_its_end(page: Page, tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", 100)
    page.set_input_files("#file", tmp_path / "film.mp4")
    until(page, "page.source !== null")
    until(page, "page.source === null")
    assert page.evaluate("page.rows.length") > 0
    assert page.evaluate("new Set(Array.from(page.rows, (row) => row[1])).size") == 1  # one person


@pytest.mark.parametrize(
    ("error", "sentence"),
    [("NotAllowedError", "The browser may not use the camera"), ("NotFoundError", "There is no camera: connect one")],
)
def test_a_camera_that_cannot_be_used_is_said(page: Page, error: str, sentence: str) -> None:
    refuse = f"async () => {{ throw new DOMException('', '{error}'); }}"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refuse}; }}")
    page.click("#camera")
    until(page, f"document.querySelector('#status').textContent.startsWith('{sentence}')")


def test_another_person_before_the_same_background_has_another_number(engine: Page, crops: np.ndarray) -> None:
    program = """async ({one, other, settings}) => {
        const { Stream } = await import("./stream.js");
        const stream = new Stream(settings), scene = Uint8Array.from(one);
        const face = (crop) => ({ box: [10, 10, 60, 60], points: [], score: 1, crop: Uint8Array.from(crop) });
        const numbers = [one, one, other, other].map((crop, index) =>
            stream.associate([face(crop)], scene, index / 25)[0].number);
        numbers.push(stream.associate([face(other)], scene, 5)[0].number);  // after the track's timeout
        return numbers;
    }"""
    one, other = (crops[index].flatten().tolist() for index in (1, 2))
    values = {"one": one, "other": other, "settings": site.settings({})["stream"]}
    assert engine.evaluate(program, values) == [1, 1, 2, 2, 3]


def test_of_too_many_rows_the_newer_half_stays(engine: Page) -> None:
    program = """async () => {
        const { Rows } = await import("./rows.js");
        const rows = new Rows(4), numbers = (second) => [second, ...Array(14).fill(0.5), second % 2 === 0];
        for (let second = 0; second < 5; second++) rows.add(numbers(second), second < 3 ? "one" : "other");
        return [[...rows].map((row) => [row[0], row[15], row[16]]), rows.at(-1)[14], rows.at(3) ?? null];
    }"""
    kept = [[2, True, "one"], [3, False, "other"], [4, True, "other"]]
    assert engine.evaluate(program) == [kept, 0.5, None]


def test_everybody_can_use_it(page: Page) -> None:
    found = [violation["id"] for violation in Axe().run(page).response["violations"]]
    assert found == []
    program = "import('./texts.js').then(({TEXTS}) => Object.values(TEXTS).map((own) => Object.keys(own).join()))"
    assert len(set(page.evaluate(program))) == 1
    page.select_option("#language", "es")
    assert page.inner_text("#camera") == "Iniciar la cámara"
    assert page.evaluate("document.documentElement.lang") == "es"


def test_what_can_not_be_read_is_said(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    page.set_input_files("#file", tmp_path / "notes.jpg")
    page.wait_for_selector("#status.wrong")
    assert "notes.jpg can't be read as a picture or video" in page.inner_text("#status")
    Image.fromarray(examples.portrait()).save(tmp_path / "portrait.jpg")
    page.set_input_files("#file", tmp_path / "portrait.jpg")
    until(page, "document.querySelector('#status').textContent === 'Faces: 1'")
    Image.new("RGB", (300, 200), "blue").save(tmp_path / "sky.png")
    page.set_input_files("#file", tmp_path / "sky.png")
    until(page, "document.querySelector('#status').textContent === 'No face is found.'")


def test_a_crop_that_shows_too_little_is_uncertain_here_too(engine: Page, crops: np.ndarray) -> None:
    from workshop.conditions import CONDITIONS

    some = np.concatenate([change(crops[:10]) for change in CONDITIONS.values()])
    program = """async ({crops, least}) => {
        const { isVisible } = await import("./crops.js");
        return crops.map((crop) => isVisible(Uint8Array.from(crop), least));
    }"""
    values = {"crops": some.reshape(len(some), -1).tolist(), "least": site.settings({})["visible"]}
    assert engine.evaluate(program, values) == are_visible(some).tolist()


def test_the_server_isolates_the_page_and_forbids_other_hosts(site_address: str) -> None:
    with urllib.request.urlopen(site_address) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "connect-src 'self'" in policy
        assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert b"<!doctype html>" in response.read()
    for path in ("/site.py", "/../recognizers.py", "/nothing"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(site_address + path)
