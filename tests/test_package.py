"""The wheel, installed alone into an empty environment; the public names; the example programs."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import venv
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

import facial_emotion
from facial_emotion import examples, recognizers
from tests.made import copy_of_checkout
from tests.serving.test_serve import encoded, free_port

ROOT = Path(__file__).parent.parent
EXAMPLE = (
    "import sys; from facial_emotion import examples, faces_in, load\n"
    "faces = faces_in(examples.portrait(), load('cnn'))\n"
    "print(*[face.label for face in faces], sorted({'click', 'pandas', 'rich', 'scipy'} & set(sys.modules)))"
)


def run(*words: object, cwd: Path, **environment: str) -> str:
    command = [str(word) for word in words]
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_public_names_are_there_and_importing_them_is_cheap(tmp_path: Path) -> None:
    assert set(facial_emotion.__all__) <= set(dir(facial_emotion)) | set(facial_emotion._HOMES)
    for name in facial_emotion.__all__:
        assert getattr(facial_emotion, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nobody'"):
        facial_emotion.nobody  # noqa: B018
    code = "import sys, facial_emotion; print(sorted({'numpy', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    assert run(sys.executable, "-c", code, cwd=ROOT).strip() == "[]"


def test_no_public_signature_has_any() -> None:
    public = [getattr(facial_emotion, name) for name in facial_emotion.__all__]
    classes = [recognizers.Recognizer, *(each for each in public if inspect.isclass(each))]
    members = [inspect.getmembers(each, inspect.isfunction) for each in classes]
    functions = [each for each in public if inspect.isfunction(each)]
    functions += [each for found in members for name, each in found if not name.startswith("_")]
    assert len(functions) > 8
    assert [each.__qualname__ for each in functions if re.search(r"\bAny\b", str(inspect.signature(each)))] == []


def test_the_wheel_has_every_package_of_the_project() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    root = ROOT / "facial_emotion"
    folders = {path.parent.relative_to(ROOT) for form in ("*", "*/*") for path in root.glob(f"{form}/__init__.py")}
    wanted = {"facial_emotion", *(".".join(folder.parts) for folder in folders), "facial_emotion.artifacts"}
    assert wanted == set(listed)


@pytest.mark.long
def test_a_wheel_alone_recognises_the_example_from_an_empty_folder(tmp_path: Path) -> None:
    # From a copy: setuptools would take what an earlier build left beside the sources.
    copy_of_checkout(tmp_path / "source")
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "dist")
    run(sys.executable, *build, tmp_path / "source", cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").iterdir()
    venv.create(tmp_path / "env", system_site_packages=False, with_pip=True)
    python = next(path for path in (tmp_path / "env").glob("*/python*") if path.stem == "python")
    constraints = ROOT / "requirements-run.txt"
    run(python, "-m", "pip", "install", "--quiet", wheel, "--constraint", constraints, cwd=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(python, "-c", EXAMPLE, cwd=empty).strip() == "happy []"
    asked = subprocess.run([python, "-m", "facial_emotion"], cwd=empty, capture_output=True, text=True, check=False)
    assert asked.returncode == 1
    assert asked.stderr.startswith("error: the command line needs more packages: install ")
    code = "from facial_emotion import table; table([])"
    asked = subprocess.run([python, "-c", code], cwd=empty, capture_output=True, text=True, check=False)
    assert "table: expected pandas, found none installed; pip install pandas" in asked.stderr


def test_the_example_of_a_picture() -> None:
    assert "happy" in run(sys.executable, "examples/picture.py", cwd=ROOT)


def test_the_example_of_a_folder(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "holiday").mkdir()
    Image.fromarray(examples.portrait()).save(tmp_path / "holiday" / "one.jpg")
    (tmp_path / "holiday" / "two.jpg").write_text("not a picture")
    said = run(sys.executable, "examples/folder.py", tmp_path / "holiday", tmp_path / "results.csv", cwd=ROOT)
    assert said.startswith("1 faces in 2 files")
    assert "two.jpg" in said
    assert (tmp_path / "results.csv").read_text().count("\n") == 2


def test_the_example_of_a_webcam_says_what_it_needs(tmp_path: Path) -> None:
    words = [sys.executable, "examples/webcam.py", str(tmp_path / "none.mp4")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .startswith(f"camera {tmp_path / 'none.mp4'}: expected a picture, found none")
    )


def test_the_example_of_a_service_answers_a_picture(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "examples.service:app", "--port", str(port), "--log-level", "error"]
    program = subprocess.Popen(command, cwd=ROOT)
    try:
        status, faces = 0, list[Any]()
        while not status:
            assert program.poll() is None
            with suppress(urllib.error.URLError):
                status, faces = posted(port, encoded(examples.officer()))
            time.sleep(0.1)
        assert (status, [face["label"] for face in faces]) == (200, ["neutral"])
        status, answer = posted(port, b"text")
        assert status == 422
        assert "found 4 bytes that are none" in answer["detail"]
    finally:
        program.terminate()
        program.wait()


def posted(port: int, body: bytes) -> tuple[int, Any]:
    """The status and answer of a request with a picture."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", body, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_example_with_gradio_has_the_probabilities_of_a_face(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", MagicMock())  # it is large, and only draws
    from examples import gradio_app

    assert max(gradio_app.recognize(examples.portrait()).items(), key=lambda item: item[1])[0] == "happy"
    assert gradio_app.recognize(np.zeros((60, 80, 3), np.uint8)) == gradio_app.recognize(None) == {}


@pytest.mark.training
def test_the_example_of_an_own_model(small_csv: Path, tmp_path: Path) -> None:
    words = (small_csv, tmp_path / "artifacts" / "my-lightgbm")
    said = run(sys.executable, "examples/own_model.py", *words, cwd=ROOT, FER_CACHE=str(tmp_path / "cache"))
    assert "models in this folder: my-lightgbm" in said
