"""The files of the page in the browser: written for a static host, complete, and those that were hashed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from facial_emotion import paths
from facial_emotion.errors import InputError
from facial_emotion.views.in_browser import to_record
from facial_emotion.web import site
from workshop.makers import web


def test_the_page_is_written_for_a_static_host(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "facial_emotion", "live", "--out", str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{tmp_path / 'site'}: {len(site.files())} files, ")
    names = {str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*") if path.is_file()}
    assert names == set(site.files())
    worker = (tmp_path / "site" / "service-worker.js").read_text()
    assert all(f'"{name}"' in worker for name in names - {"service-worker.js"})
    assert not any(name.endswith(".py") for name in names)


def test_a_folder_with_files_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(
        InputError, match="expected a new or empty folder, found one with files; choose another, or giv"
    ):
        site.write(tmp_path)
    assert (tmp_path / "index.html").read_text() == "mine"
    site.write(tmp_path, overwrite=True)
    assert b"connect-src 'self'" in (tmp_path / "index.html").read_bytes()


def test_a_page_without_its_models_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SHIPPED", tmp_path)
    with pytest.raises(InputError, match="models of the page: expected one of cnn-ferplus, cnn-balanced, found none"):
        site.files()


def test_another_package_of_the_runtime_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.tgz").write_bytes(b"another")
    with pytest.raises(InputError, match=r"package.tgz: expected SHA-512 \S{12}…, found \S{12}…"):
        web.fetch(tmp_path / "package.tgz")


@pytest.mark.parametrize(
    "rows", [[[1.0] * 16], [[1.0] * 3], ["text"], [[float("nan")] * 16 + ["cnn"]], [[9.0] * 16 + ["x"]], 5]
)
def test_rows_that_are_none_are_refused(rows: Any) -> None:
    with pytest.raises(InputError, match="rows: expected"):
        to_record(rows)


def test_files_of_the_runtime_are_those_that_were_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vendor").mkdir()
    for path in (site.FOLDER / "vendor").iterdir():
        (tmp_path / "vendor" / path.name).symlink_to(path)
    monkeypatch.setattr(site, "FOLDER", tmp_path)
    (tmp_path / "vendor" / site.VENDOR[0]).unlink()
    with pytest.raises(InputError, match=r"ort.wasm.min.mjs: expected a file of onnxruntime-web, found none; make web"):
        site.files()
    (tmp_path / "vendor" / site.VENDOR[0]).write_text("another")
    with pytest.raises(InputError, match=r"ort.wasm.min.mjs: expected SHA-256 \w{12}…, found \w{12}…; make web"):
        site.files()
