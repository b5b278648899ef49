"""Frames of video files: times that rise whatever the file says, and files that are not what they seem."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facial_emotion.errors import InputError
from facial_emotion.video import reader


@given(times=st.lists(st.one_of(st.none(), st.floats(), st.floats(-1e5, 1e5)), min_size=1), interval=st.floats(1e-3, 1))
def test_times_start_at_0_and_rise(times: list[float | None], interval: float) -> None:
    clock = reader.Clock(interval)
    found = [clock.at(time) for time in times]
    assert found[0] == 0
    assert all(math.isfinite(time) for time in found)
    assert all(second > first for first, second in itertools.pairwise(found))


@pytest.mark.attack("a video's clock jumps back", "times rise, probabilities are finite")
def test_after_a_jump_back_the_clock_goes_on() -> None:
    clock = reader.Clock(0.04)
    found = [clock.at(time) for time in (10, 10.04, 10.08, 3, 3.04, 3.04, 3.08)]
    np.testing.assert_allclose(found, [0, 0.04, 0.08, 0.12, 0.16, 0.161, 0.2])


def write(path: Path, count: int, codec: str, form: str | None = None, side: int = 64) -> bytes:
    """A video of grey frames; its bytes."""
    with av.open(str(path), "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height = side, side
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        noise = np.random.default_rng(0)
        for _ in range(count):
            frame = noise.integers(0, 255, (side, side, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()


@pytest.mark.attack("two recordings joined", "all frames to the end")
def test_joined_recordings_go_on_after_the_join(tmp_path: Path) -> None:
    content = write(tmp_path / "one.mpg", 50, "mpeg2video")
    (tmp_path / "joined.mpg").write_bytes(content + content)
    times = [frame.seconds for frame in reader.read(tmp_path / "joined.mpg")]
    assert len(times) >= 98
    np.testing.assert_allclose(np.diff(times), 0.04, atol=0.03)


@pytest.mark.attack("videos of a dozen containers", "read, by their content")
@pytest.mark.parametrize(("name", "codec"), [("a.flv", "flv1"), ("a.ts", "mpeg2video"), ("a.mjpeg", "mjpeg")])
def test_many_containers_are_read(name: str, codec: str, tmp_path: Path) -> None:
    write(tmp_path / name, 10, codec)
    assert len(list(reader.read(tmp_path / name))) == 10


@pytest.mark.attack("a video that is cut off", "its frames, and that it ends early")
def test_an_early_end_is_said_after_the_frames(tmp_path: Path) -> None:
    content = write(tmp_path / "whole.mkv", 100, "mpeg4")
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 3])
    frames = reader.read(tmp_path / "cut.mkv")
    seen = [next(frames).number for _ in range(20)]
    with pytest.raises(InputError, match=r"cut.mkv: expected a video of 4\.0 s, found its end after 1\.\d s"):
        seen.extend(frame.number for frame in frames)
    assert len(seen) > 25
    assert len(list(reader.read(tmp_path / "whole.mkv"))) == 100


@pytest.mark.attack("a playlist named as a video", "no other file or address is opened")
def test_no_other_file_or_address_is_reached_from_a_file(tmp_path: Path) -> None:
    write(tmp_path / "secret.mkv", 5, "mpeg4")
    (tmp_path / "list.mkv").write_text("ffconcat version 1.0\nfile secret.mkv\n")
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mkv\n#EXT-X-ENDLIST\n"
    (tmp_path / "playlist.mp4").write_text(playlist)
    for name in ("list.mkv", "playlist.mp4", "concat:secret.mkv", "http://127.0.0.1:9/secret.mkv"):
        with pytest.raises(InputError, match="expected a whole video file"):
            next(reader.read(f"{tmp_path}/{name}" if "." in name[:13] else name))


@pytest.mark.attack("a file named like a protocol", "read as a file")
def test_a_relative_name_with_a_colon_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "12:30.mkv", 5, "mpeg4")
    assert len(list(reader.read("12:30.mkv"))) == 5
