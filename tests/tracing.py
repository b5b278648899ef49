"""The system calls of a command: which other hosts it looks for, and which files it writes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

CALLS = (
    "connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,"
    "symlinkat,truncate,unlink,unlinkat"
)
_ADDRESS = re.compile(r"inet_addr\(\"([^\"]+)\"\)|inet_pton\(AF_INET6, \"([^\"]+)\"")
_PATHS = re.compile(r"\"([^\"]*)\"")
_LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.|0\.0\.0\.0$|::$")
# What every program of Python or of several processes writes.
_SYSTEM = re.compile(r"/dev/(null|tty|shm/(sem\.)?)|/proc/|.*/__pycache__(/|$)")


def traced(words: list[str], log: Path) -> list[str]:
    """A command that writes its system calls, and those of its processes, to a file."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace: apt-get install strace")
    return [strace, "-f", "--seccomp-bpf", "-qq", "-s", "200", "-e", f"trace={CALLS}", "-o", str(log), *words]


def environment(home: Path) -> dict[str, str]:
    """That of a user with an empty home: no variable that would silence a report, as CI does."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


def hosts(log: Path) -> set[str]:
    """The addresses of other machines in a trace: a look-up of a name asks one, too."""
    text = log.read_text(errors="replace")
    found = (address for groups in _ADDRESS.findall(text) for address in groups if address)
    # A resolver may be a server of this machine.
    resolvers = re.findall(r"htons\(53\)|/run/systemd/resolve/[^\"]*", text)
    return {address for address in found if not _LOOPBACK.match(address)} | set(resolvers)


def _whole(lines: list[str]) -> Iterator[str]:
    """Calls in one line each: those that another thread's interrupted are joined."""
    begun = {}
    for line in lines:
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
        elif "resumed>" in call and thread in begun:
            yield begun.pop(thread) + call.partition("resumed>")[2]
        elif "resumed>" not in call:
            yield call
    yield from begun.values()


def written(log: Path, cwd: Path, allowed: tuple[Path, ...]) -> set[str]:
    """The files and folders in a trace that were made or opened for writing, but for those in allowed folders."""
    found = set()
    for line in _whole(log.read_text(errors="replace").splitlines()):
        is_writing = re.search(r"O_WRONLY|O_RDWR|O_CREAT|^(mkdir|creat|rename|link|symlink|truncate|unlink)", line)
        if not is_writing or re.search(r"= -1 (EEXIST|ENOENT|EACCES|EROFS)", line):
            continue
        for name in _PATHS.findall(line):
            path = Path(os.path.normpath(cwd / name))
            if not _SYSTEM.match(str(path)) and not any(path.is_relative_to(each) for each in allowed):
                found.add(str(path))
    return found
