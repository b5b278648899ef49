"""The notebook of the examples, run with the wheel from an empty folder."""

from __future__ import annotations

import ast
import json
import os
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.made import copy_of_checkout
from tests.test_package import run

NOTEBOOK = Path(__file__).parent.parent / "examples" / "notebook.ipynb"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a Python kernel that has the wheel, not the checkout, and the packages of this environment."""
    copy_of_checkout(tmp_path / "source")
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "dist")
    run(sys.executable, *build, tmp_path / "source", cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").iterdir()
    venv.create(tmp_path / "env", with_pip=True)
    python = next(path for path in (tmp_path / "env").glob("*/python*") if path.stem == "python")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=tmp_path)
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    (Path(own) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")  # after the wheel's own folder
    place = tmp_path / "jupyter" / "kernels" / "wheel"
    place.mkdir(parents=True)
    words = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    place.joinpath("kernel.json").write_text(json.dumps({"argv": words, "display_name": "wheel", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("FER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FER_ARTIFACTS", raising=False)
    monkeypatch.delenv("MPLBACKEND", raising=False)  # which other tests' packages set, and a notebook has its own
    return "wheel"


@pytest.mark.training
@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_the_notebook_runs_with_the_wheel_alone(kernel: str, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    empty = tmp_path / "empty"
    empty.mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(empty)}}
    NotebookClient(notebook, timeout=300, kernel_name=kernel, resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output["data"] for output in outputs if "data" in output]
    assert shown[0]["text/plain"].startswith("<Recognizer cnn-ferplus: labels people, accuracy on PrivateTest ")
    assert len(shown[0]["text/plain"]) < 200
    assert shown[1]["text/plain"].startswith("<Face 1: happy ")
    assert "data:image/png;base64," in shown[1]["text/html"]
    assert any("image/png" in data for data in shown)  # the plot
    assert any("application/vnd.jupyter.widget-view+json" in data for data in shown)  # a progress bar
    folders = ast.literal_eval(shown[-1]["text/plain"])
    assert folders["mine"] == str(empty / "artifacts")
    assert f"{os.sep}site-packages{os.sep}" in folders["cnn"]  # the shipped models are the wheel's
