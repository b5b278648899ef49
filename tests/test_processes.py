"""The project on odd machines: a user without a home, fewer cores than there are, a script without a main guard."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from facial_emotion import examples, threads

ROOT = Path(__file__).parent.parent


def test_a_user_id_without_a_home_has_a_cache_too() -> None:
    code = (
        "import pwd\n"
        "def unknown(*_): raise KeyError('unknown user id')\n"
        "pwd.getpwuid = pwd.getpwnam = unknown\n"
        "from facial_emotion import paths\n"
        "print(paths.CACHE)"
    )
    names = {key: value for key, value in os.environ.items() if key not in ("HOME", "FER_CACHE", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=names, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_absolute()


@pytest.mark.parametrize(
    ("quotas", "expected"),
    [
        ({}, math.inf),
        ({"cpu.max": "max 100000"}, math.inf),
        ({"a/b/cpu.max": "150000 100000"}, 1.5),
        ({"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 0.5),
    ],
)
def test_a_quota_of_a_cgroup_limits_the_cores(quotas: dict[str, str], expected: float, tmp_path: Path) -> None:
    (tmp_path / "mount" / "a" / "b").mkdir(parents=True)
    for name, content in quotas.items():
        (tmp_path / "mount" / name).write_text(content + "\n")
    (tmp_path / "membership").write_text("1:name=systemd:/x\n0::/a/b\n")
    assert threads._quota(tmp_path / "mount", tmp_path / "membership") == expected


def test_the_cores_are_those_that_the_process_may_use() -> None:
    code = (
        "import os; from facial_emotion.threads import usable_cores\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(usable_cores())"
    )
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("needs Linux, which keeps a process to some cores")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_a_script_without_a_main_guard_is_told_so(tmp_path: Path) -> None:
    Image.fromarray(examples.portrait()).save(tmp_path / "one.png")
    script = tmp_path / "script.py"
    call = 'recognize(["one.png"], "results.csv", Options("cnn"), processes=2)'
    script.write_text(f"from facial_emotion.batch.run import Options, recognize\n{call}\n")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'expected a script whose work is under if __name__ == "__main__":, found ' in done.stderr
    assert done.stderr.count("Traceback") == 1
    guarded = f"if __name__ == '__main__':\n    {call}\n"
    script.write_text(f"from facial_emotion.batch.run import Options, recognize\n{guarded}")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.attack("closed standard streams, a full device", "done, or one line; results are whole")
@pytest.mark.parametrize(
    ("redirected", "code"), [("2>&-", 0), (">&-", 0), ("<&-", 0), (">&- 2>&- <&-", 0), (">/dev/full", 2)]
)
def test_closed_and_full_streams_leave_results_whole(redirected: str, code: int, tmp_path: Path) -> None:
    Image.fromarray(examples.portrait()).save(tmp_path / "a.jpg")
    words = f"{sys.executable} recognize.py {tmp_path}/a.jpg --model lightgbm --out {tmp_path}/a.csv {redirected}"
    done = subprocess.run(words, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "a.csv").read_text().count("\n") == 2
    assert "Traceback" not in done.stderr
    if code:
        assert done.stderr.splitlines()[-1] == "error: output: expected room for it, found No space left on device"


def test_a_path_in_an_option_may_begin_at_home(tmp_path: Path) -> None:
    Image.fromarray(examples.portrait()).save(tmp_path / "a.jpg")
    words = [sys.executable, "recognize.py", "~/a.jpg", "--model", "lightgbm", "--out=~/b.csv"]
    home = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(words, cwd=ROOT, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.csv").exists()
