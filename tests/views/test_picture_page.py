"""The page of pictures, without a browser."""

from __future__ import annotations

import io
import json
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facial_emotion import examples, recognizers, scene
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DEFAULT_SEARCH
from facial_emotion.scene import Face
from facial_emotion.views import image, recognition, sidebar, study, visits
from tests import made
from tests.views.pages import encoded, invalid_files, page, pills, text

SETTINGS = sidebar.ViewerSettings("cnn", DEFAULT_SEARCH, False)


def test_the_example_shows_one_happy_face() -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    assert not at.exception
    table = at.dataframe[0].value
    assert table[["face", "label"]].to_numpy().tolist() == [[1, "happy"]]
    assert "**1 · happy**" in text(at)


def test_faces_are_numbered_from_left_to_right() -> None:
    portrait = examples.portrait()[:300]
    at = page("image")
    at.file_uploader(key="upload").set_value(
        ("two.png", encoded(np.concatenate([portrait, portrait], axis=1)), "image/png")
    )
    table = at.run().dataframe[0].value
    assert table["face"].tolist() == [1, 2]
    assert table["left"].is_monotonic_increasing
    np.testing.assert_allclose(table[list(EMOTIONS)].sum(axis=1), 1, atol=1e-3)


def test_a_file_of_several_pages_is_a_picture_for_each() -> None:
    stream = io.BytesIO()
    blank, face = (Image.fromarray(rgb) for rgb in (np.full((300, 400, 3), 120, np.uint8), examples.portrait()))
    blank.save(stream, "TIFF", save_all=True, append_images=[face])
    at = page("image")
    at.file_uploader(key="upload").set_value(("scan.tif", stream.getvalue(), "image/tiff"))
    assert set(at.run().dataframe[0].value["file"]) == {"scan.tif (1)", "scan.tif (2)"}


def test_a_picture_without_a_face_gets_advice() -> None:
    at = page("image")
    wall = np.full((300, 400, 3), 120, dtype=np.uint8)
    at.file_uploader(key="upload").set_value(("wall.png", encoded(wall), "image/png")).run()
    assert [warning.value for warning in at.warning] == [image.NO_FACE]
    assert not at.dataframe


def test_invalid_files_are_reported_and_others_are_recognised() -> None:
    files = [(name, content, "image/jpeg") for name, content in invalid_files().items()]
    at = page("image")
    at.file_uploader(key="upload").set_value([*files, ("good.png", encoded(examples.portrait()), "image/png")]).run()
    assert not at.exception
    (listed,) = (each.value for each in at.markdown if "could not be read" in each.value)
    lines = [line.replace("\\", "") for line in listed.splitlines()]
    assert lines == [
        "- empty.jpg could not be read: it is empty.",
        "- text.jpg could not be read: it is not a picture of a kind that is known here, or is damaged.",
        "- cut.jpg could not be read: it is damaged, or was cut off.",
        "- bomb.png could not be read: it is too large to be looked through.",
        "- drawing.svg could not be read: it is not a picture of a kind that is known here, or is damaged.",
    ]
    assert at.dataframe[0].value["label"].tolist() == ["happy"]


def test_common_picture_formats() -> None:
    portrait = examples.portrait()
    frames = [Image.fromarray(portrait), Image.fromarray(portrait[::-1])]
    gif = io.BytesIO()
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:])
    cmyk = io.BytesIO()
    Image.fromarray(portrait).convert("CMYK").save(cmyk, "JPEG")
    large = np.asarray(Image.fromarray(portrait).resize((7100, 7100)))  # 50 megapixels
    at = page("image")
    at.file_uploader(key="upload").set_value(
        [
            ("a.gif", gif.getvalue(), "image/gif"),
            ("b.jpg", cmyk.getvalue(), "image/jpeg"),
            ("c.jpg", encoded(large, "JPEG"), "image/jpeg"),
            ("d.webp", encoded(portrait, "WEBP"), "image/webp"),
            ("e.bmp", encoded(portrait, "BMP"), "image/bmp"),
        ]
    ).run()
    assert not at.exception
    assert not at.error
    assert at.header[0].value == "5 faces in 5 pictures: 😀 5 happy"
    assert at.dataframe[0].value["file"].tolist() == ["a.gif", "b.jpg", "c.jpg", "d.webp", "e.bmp"]


def test_many_pictures_have_one_answer_one_table_and_one_list() -> None:
    small = examples.portrait()[:256, 100:356]
    wall = np.full((100, 100, 3), 120, dtype=np.uint8)
    files = [(f"{number}.png", encoded(wall if number == 7 else small), "image/png") for number in range(25)]
    at = page("image")
    at.file_uploader(key="upload").set_value(files).run()
    assert not at.exception
    assert at.header[0].value == "24 faces in 25 pictures: 😀 24 happy"
    faces = at.dataframe[0].value
    assert faces["file"].tolist() == [name for name, *_ in files]
    assert faces["label"].isna().tolist() == [name == "7.png" for name, *_ in files]
    assert set(faces["model"]) == {at.selectbox(key="model").value}


def test_a_face_is_corrected_and_a_study_downloaded() -> None:
    at = page("image")
    small = examples.portrait()[:256, 100:356]
    files = [(f"{group}/{number}.png", encoded(small), "image/png") for group in "ab" for number in range(2)]
    at.file_uploader(key="upload").set_value(files).run()
    pills(at, "Right is:").set_value("sad").run()
    assert not at.exception
    table = at.dataframe[0].value
    assert table["group"].tolist() == ["a", "a", "b", "b"]
    assert table["corrected"].tolist() == ["sad", "", "", ""]
    assert "3 of 4 are: 75%" in text(at)
    archive = zipfile.ZipFile(io.BytesIO(study.study(table, SETTINGS)))
    assert {*archive.namelist()} == {
        *("study.xlsx", "faces.csv", "shares.csv", "shares.svg", "shares.png", "methods.txt")
    }
    assert "in 4 pictures; 4 were found" in archive.read("methods.txt").decode()
    shares = pd.read_csv(io.BytesIO(archive.read("shares.csv"))).set_index(["group", "emotion"])
    assert shares.loc[("a", "sad"), "share"] == 0.5
    assert shares.loc[("b", "happy"), "share"] == 1


def test_pictures_are_recognised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    monkeypatch.setattr(recognition, "find_faces", lambda *_: pytest.fail("looked for again"))
    at.toggle(key="landmarks").set_value(True).run()
    at.selectbox(key="model").set_value("lightgbm").run()
    assert not at.exception
    assert at.dataframe[0].value["model"].tolist() == ["lightgbm"]


def test_a_correction_belongs_to_a_face_and_not_to_its_number() -> None:
    at = page("image")
    at.button(key="example video call").click().run()
    pills(at, "Right is:").set_value("fear").run()
    assert at.dataframe[0].value["corrected"].tolist() == ["fear", *[""] * 8]
    at.selectbox(key="detector").set_value("dlib").run()
    assert set(at.dataframe[0].value["corrected"]) == {""}
    at.selectbox(key="detector").set_value("centerface").run()
    assert at.dataframe[0].value["corrected"].tolist() == ["fear", *[""] * 8]
    at.button(key="mark-0-1").click().run()
    at.button(key="example astronaut").click().run()
    assert at.dataframe[0].value["corrected"].tolist() == [""]
    assert pills(at, "Right is:").value is None
    assert at.button(key="mark-0-1").label == "Mark"


def test_a_job_that_failed_is_said_and_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    at = page("image")
    with monkeypatch.context() as patch:
        patch.setattr(recognition, "find_faces", lambda: None)  # it takes arguments
        at.button(key="example astronaut").click().run()
        assert len(at.exception) == 1
    assert at.run().header[0].value == "1 face: 😀 happy"


def test_what_a_viewer_gave_is_found_again_and_forgotten_after_an_hour() -> None:
    at = page("image")
    at.button(key="example astronaut").click().run()
    assert visits.COOKIE not in at.query_params, "an address may be sent to others"
    key = at.session_state[visits.COOKIE]
    other = page("image", run=False)
    other.session_state[visits.COOKIE] = key
    assert other.run().header[0].value == "1 face: 😀 happy"
    visits.forget(time.monotonic() + visits.KEPT + 1)
    other = page("image", run=False)
    other.session_state[visits.COOKIE] = key
    assert not other.run().header


def test_json_equals_the_table() -> None:
    faces = scene.faces_in(examples.portrait(), recognizers.load("lightgbm"))
    rows = json.loads(study.to_json(scene.table(faces)))
    assert [row["label"] for row in rows] == ["happy"]
    assert rows[0]["face"] == 1


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"neutral": 0.5, "sad": 0.4}, " or sad"),
        ({"neutral": 0.7, "sad": 0.2}, ""),
        ({"sad": 0.5, "neutral": 0.4}, ""),
        ({"neutral": 0.3, "sad": 0.29}, " · uncertain"),
    ],
)
def test_the_second_emotion_is_said_where_neutral_wins_narrowly(shares: dict[str, float], words: str) -> None:
    probabilities = np.array([shares.get(name, 0.02) for name in EMOTIONS], dtype=np.float32)
    assert recognition.uncertain(Face(1, np.zeros(4), probabilities, made.crop(), threshold=0.45)) == words
