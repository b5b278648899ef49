"""recognize.py from end to end, with failing sources, kills, and dying workers."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

from facial_emotion.batch.rows import COLUMNS
from facial_emotion.features.emotions import EMOTIONS
from tests.batch.conftest import ROOT, Run, command, write_faces
from tests.made import write_video


def test_one_row_per_face_and_one_line_per_failed_source(run: Run, pictures: Path, tmp_path: Path) -> None:
    done = run(pictures, pictures / "none.png", "--out", tmp_path / "results.csv")
    assert done.returncode == 1
    assert "5 rows from 6 of 8 sources" in done.stdout
    assert "text.jpg: expected a whole JPEG, PNG, " in done.stderr
    assert "without a face: 1 pictures or frames" in done.stderr
    assert "left out, neither picture nor video: 1 (1 .txt)" in done.stderr
    assert "none.png: expected a picture file, found No such file or directory" in done.stderr
    rows = pd.read_csv(tmp_path / "results.csv")
    assert tuple(rows.columns) == COLUMNS
    assert [Path(path).name for path in rows["source"]] == ["000.jpg", "001.jpg", "000.jpg", "001.jpg", "002.jpg"]
    assert set(rows["face"]) == {1}
    assert set(rows["label"]) == {"happy"}
    np.testing.assert_allclose(rows[list(EMOTIONS)].sum(axis=1), 1, atol=1e-3)
    assert {path.name for path in tmp_path.iterdir()} == {"pictures", "results.csv", "results.csv.failed"}


def test_the_three_formats_have_the_same_content(run: Run, pictures: Path, tmp_path: Path) -> None:
    (pictures / "text.jpg").unlink()
    for suffix in ("csv", "jsonl", "parquet"):
        done = run(f"{pictures}/**/*.*g", "--out", tmp_path / f"results.{suffix}", "--every-frame")
        assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "results.csv")
    assert len(table) == 6
    assert table["face"].isna().sum() == 1  # of the picture without a face
    lines = pd.read_json(tmp_path / "results.jsonl", lines=True)
    table = table.convert_dtypes()
    pd.testing.assert_frame_equal(table, lines.convert_dtypes(), check_dtype=False)
    parquet = pd.read_parquet(tmp_path / "results.parquet").convert_dtypes()
    pd.testing.assert_frame_equal(table, parquet, check_dtype=False, rtol=1e-6)


def test_several_threads_and_processes_write_the_same_file(run: Run, pictures: Path, tmp_path: Path) -> None:
    write_faces(pictures / "many", 40)
    write_video(pictures / "many" / "00020.mp4", 5)  # among the pictures
    ways = {"one": ("--threads", 1), "threads": ("--threads", 4), "processes": ("--processes", 2)}
    for name, way in ways.items():
        run(pictures, "--out", tmp_path / f"{name}.csv", *way)
    assert len({(tmp_path / f"{name}.csv").read_bytes() for name in ways}) == 1


def test_workers_end_with_a_killed_run(pictures: Path, tmp_path: Path) -> None:
    write_faces(pictures / "many", 100)
    program = subprocess.Popen(command(pictures, "--out", tmp_path / "1.csv", "--processes", 2), cwd=ROOT)
    while len(workers := psutil.Process(program.pid).children()) < 2:
        assert program.poll() is None
        time.sleep(0.01)
    program.kill()
    program.wait()
    assert not psutil.wait_procs(workers, timeout=20)[1]


@pytest.mark.training  # has Dask among its packages
def test_the_tasks_of_a_dead_worker_are_repeated(run: Run, pictures: Path, tmp_path: Path) -> None:
    distributed: Any = importlib.import_module("distributed")  # it has no type hints
    write_faces(pictures / "many", 150)
    run(pictures, "--out", tmp_path / "here.csv")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        out = tmp_path / "there.csv"
        program = subprocess.Popen(command(pictures, "--out", out, "--cluster", cluster.scheduler_address), cwd=ROOT)
        while not out.exists() or out.stat().st_size < 1000:  # the workers are busy
            assert program.poll() is None
            time.sleep(0.01)
        first = next(iter(client.run(os.getpid)))
        client.run(os._exit, 1, workers=[first], on_error="ignore")
        assert program.wait(timeout=120) == 1  # one file is not a picture
    assert out.read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.long
@pytest.mark.attack("a run that is killed ten times", "the same file")
def test_a_run_killed_ten_times_writes_the_same_file(run: Run, pictures: Path, tmp_path: Path) -> None:
    write_faces(pictures / "many", 60)
    write_video(pictures / "movie.mp4", 25)
    run(pictures, "--out", tmp_path / "whole.csv")
    out = tmp_path / "broken.csv"
    rng = random.Random(7)
    for attempt in range(10):
        program = subprocess.Popen(
            command(pictures, "--out", out, *(["--resume"] if attempt else [])), cwd=ROOT, stderr=subprocess.DEVNULL
        )
        journal = tmp_path / "broken.csv.journal"
        size = (out.stat().st_size if attempt else 0) + rng.randrange(1500)  # of the results at the kill, about 10 rows
        while program.poll() is None and not (journal.exists() and out.stat().st_size >= size):
            time.sleep(0.01)
        program.send_signal(rng.choice([signal.SIGKILL, signal.SIGINT]))
        program.wait()
        if not journal.exists():
            break
        assert out.read_text().endswith("\n")
        assert len({line.count(",") for line in out.read_text().splitlines()}) == 1
    else:
        assert run(pictures, "--out", out, "--resume").returncode == 1
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert out.with_name("broken.csv.failed").read_bytes() == (tmp_path / "whole.csv.failed").read_bytes()


def test_results_are_not_overwritten_and_only_the_same_run_is_resumed(run: Run, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.csv"
    assert run(pictures, "--out", out).returncode == 1
    done = run(pictures, "--out", out)
    assert done.returncode == 2
    advice = "choose another name, or start again with --overwrite"
    assert done.stderr == f"error: {out}: expected no existing file, found a file; {advice}\n"
    content = out.read_bytes()
    done = run(pictures, "--out", out, "--resume")
    assert (done.returncode, out.read_bytes()) == (1, content)  # one file is not a picture, as before
    assert "this run is finished, there is nothing to resume" in done.stdout
    refused = f"expected results of this run, found others; {advice}"
    assert refused in run(pictures, "--out", out, "--resume", "--min-face", 70).stderr
    write_faces(pictures / "more", 1)
    assert refused in run(pictures, "--out", out, "--resume").stderr
    assert out.read_bytes() == content
    assert run(pictures, "--out", tmp_path / "first.csv", "--resume").returncode == 1  # as without --resume
    assert run(pictures / "more", "--out", tmp_path / "more.csv", "--resume").returncode == 0
    assert run(pictures / "more", "--out", tmp_path / "more.csv", "--resume").returncode == 0  # it is finished
    assert "a name that ends in .csv, .jsonl, .parquet, found '.txt'" in run(pictures, "--out", "a.txt").stderr
    assert "camera:77" in run("camera:77", "--out", tmp_path / "camera.csv").stderr


@pytest.mark.attack("NaN, infinite, negative and huge options", "refused")
@pytest.mark.parametrize(
    "words",
    [("--smoothing", "nan"), ("--smoothing", "inf"), ("--fps", "-1"), ("--min-face", "nan"), ("--threads", "100000")],
)
def test_numbers_that_make_no_sense_are_refused(words: tuple[str, str], tmp_path: Path) -> None:
    program = command("picture.jpg", "--out", tmp_path / "results.csv", *words)
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"Invalid value for '{words[0]}'" in done.stderr


def test_a_video_is_tracked_annotated_and_plotted(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4", 50)
    done = run(tmp_path / "movie.mp4", "--out", tmp_path / "all.csv", "--annotate", tmp_path / "copies")
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(tmp_path / "all.csv")
    assert list(rows["frame"]) == list(range(50))
    np.testing.assert_allclose(rows["seconds"], np.arange(50) / 25, atol=1e-3)
    assert set(rows["face"]) == {1}
    with av.open(str(tmp_path / "copies" / "movie.mp4.annotated.mp4")) as container:
        assert len(list(container.decode(video=0))) == 50
    assert (tmp_path / "copies" / "movie.mp4.emotions.png").stat().st_size > 5000
    run(tmp_path / "movie.mp4", "--out", tmp_path / "some.csv", "--fps", 5)
    assert list(pd.read_csv(tmp_path / "some.csv")["frame"]) == list(range(0, 50, 5))
    run(tmp_path / "movie.mp4", "--out", tmp_path / "few.csv", "--every", 20)
    assert list(pd.read_csv(tmp_path / "few.csv")["frame"]) == [0, 20, 40]


def test_shares_of_emotions_are_estimated_given_and_written(run: Run, pictures: Path, tmp_path: Path) -> None:
    write_faces(pictures / "many", 50)
    plain, given, estimated = (tmp_path / f"{name}.csv" for name in ("plain", "given", "estimated"))
    for path, words in ((plain, ()), (given, ("--shares", "sad=0.9")), (estimated, ("--shares", "estimate"))):
        done = run(pictures, "--out", path, *words)
        assert f"{path}: 55 rows" in done.stdout
    assert "shares of the emotions, estimated: angry=0.0" in done.stderr
    tables = [pd.read_csv(path) for path in (plain, given, estimated)]
    assert [list(table.columns[len(COLUMNS) :]) for table in tables] == [[], ["shares"], ["shares"]]
    assert tables[1]["shares"].str.match("given: angry=0.0.*,sad=0.9000,").all()
    happy, less, more = (table["happy"].mean() for table in tables)
    assert less < happy < more  # all of them smile
    parquet = tmp_path / "given.parquet"
    run(pictures, "--out", parquet, "--shares", "sad=0.9", "--processes", "2")
    np.testing.assert_allclose(pd.read_parquet(parquet)[list(EMOTIONS)], tables[1][list(EMOTIONS)], atol=1e-6)
    done = run(pictures, "--out", given, "--resume", "--shares", "sad=0.9")
    assert "nothing to resume" in done.stdout


def test_shares_are_not_estimated_from_few_faces(run: Run, pictures: Path, tmp_path: Path) -> None:
    for words, message in (
        ("estimate", "shares: expected 50 faces or more to estimate them from, found 5; give the shares, as"),
        ("joy=1", "shares: expected even, estimate, or shares that sum to 1 or less, as neutral=0.6,happy=0.2, found"),
    ):
        done = run(pictures, "--out", tmp_path / "results.csv", "--shares", words)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
    assert not list(tmp_path.glob("results*"))


@pytest.mark.attack("empty and random videos", "listed, the others are read")
def test_unreadable_videos_are_listed_and_others_are_recognised(run: Run, tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mkv", 50)
    content = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "empty.mkv").write_bytes(b"")
    (tmp_path / "noise.mkv").write_bytes(bytes(random.Random(0).randbytes(len(content))))
    done = run(tmp_path / "empty.mkv", tmp_path / "noise.mkv", tmp_path / "whole.mkv", "--out", tmp_path / "all.csv")
    assert done.returncode == 1
    assert "50 rows from 1 of 3 sources" in done.stdout
    assert done.stderr.count("expected a whole video file, found ") == 2


SHORT = """
import sys
from facial_emotion import recognizers
from facial_emotion.batch.run import Options, recognize
from facial_emotion.errors import OutOfMemory
from facial_emotion.features.faces import find_faces
from facial_emotion.memory import limit_growth
import numpy as np
folder, out, megabytes = sys.argv[1:]
recognizers.load("lightgbm", 1).predict_proba(np.zeros((1, 48, 48), np.uint8))
find_faces(np.zeros((512, 512, 3), np.uint8))
limit_growth(int(megabytes) * 1_000_000)
try:
    print(recognize([folder], out, Options("lightgbm", threads=1), resume=True).rows)
except OutOfMemory as error:
    print(error)
"""


@pytest.mark.attack("a large picture in little address space", "the run stops with its name, and is resumed")
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_too_little_memory_stops_a_run_that_is_resumed(tmp_path: Path) -> None:
    write_faces(tmp_path / "pictures", 2)
    Image.fromarray(np.zeros((6000, 5000, 3), np.uint8)).save(tmp_path / "pictures" / "001a.png")
    write_faces(tmp_path / "pictures" / "more", 1)
    found = []
    for megabytes in (120, 100_000):
        command = [sys.executable, "-c", SHORT, str(tmp_path / "pictures"), str(tmp_path / "a.csv"), str(megabytes)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        found.append(done.stdout.strip())
        assert done.returncode == 0, done.stderr
    assert found[0].startswith(
        f"{tmp_path}/pictures/001a.png: expected enough memory, found too little; free some, and"
    )
    assert found[1] == "3"
    assert len(pd.read_csv(tmp_path / "a.csv")) == 3
