"""A video is read as players show it: its main stream, upright, with square pixels, at its own times."""

from __future__ import annotations

import itertools
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facial_emotion import limits
from facial_emotion.batch.sources import LeftOut, find_sources
from facial_emotion.errors import InputError
from facial_emotion.video import reader

ONE = 1 << 16
# What a display matrix (a, b, c, d: x' = ax + cy, y' = bx + dy) stands for, in FFmpeg's filters.
SHOWN = {
    (1, 0, 0, 1): "null",
    (-1, 0, 0, 1): "hflip",
    (1, 0, 0, -1): "vflip",
    (-1, 0, 0, -1): "hflip,vflip",
    (0, 1, -1, 0): "transpose=clock",
    (0, -1, 1, 0): "transpose=cclock",
    (0, 1, 1, 0): "transpose=cclock_flip",
    (0, -1, -1, 0): "transpose=clock_flip",
}


def write(
    path: Path,
    width: int,
    height: int,
    matrix: tuple[int, ...],
    ratio: Fraction,
    late: float = 0.0,
    sound: float = 0.0,
    title: str = "",
    small_first: bool = False,
) -> None:
    """A video of three frames a second apart, ``late`` seconds after its sound of ``sound`` seconds."""
    a, b, c, d = (ONE * value for value in matrix)
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 3, : width // 4] = 255, 60, 0
    picture[height // 2 :, width // 2 :] = 0, 200, 90
    with av.open(str(path), "w") as container:
        if title:
            container.metadata["title"] = title
        small: Any = container.add_stream("mpeg4", rate=25) if small_first else None
        if small is not None:
            small.width, small.height, small.pix_fmt = 16, 16, "yuv420p"
            small.disposition = 0
        stream: Any = container.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = width, height, "yuv420p", Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.sample_aspect_ratio = ratio
        stream.disposition = av.stream.Disposition.default
        stream.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
        audio: Any = container.add_stream("aac", rate=8000, layout="mono") if sound else None
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(1000 * (late + number)), Fraction(1, 1000)
            container.mux(stream.encode(frame))
            if small is not None:
                container.mux(small.encode(av.VideoFrame(16, 16, "yuv420p")))
        for start in range(0, round(8000 * sound), 1024):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            samples.sample_rate, samples.pts = 8000, start
            container.mux(audio.encode(samples))
        for each in container.streams:
            container.mux(each.encode(None))  # type: ignore[attr-defined]


def shown(path: Path, filters: str) -> np.ndarray:
    """The first frame of the largest stream, uint8 RGB (h, w, 3), through FFmpeg's filters, square first."""
    with av.open(str(path)) as container:
        stream = max(container.streams.video, key=lambda each: each.width)
        frame = next(container.decode(stream))
        graph = av.filter.Graph()
        ratio = stream.sample_aspect_ratio or Fraction(1)
        steps = [graph.add_buffer(template=stream)]
        names = [f"scale={max(1, round(stream.width * ratio))}:{stream.height}", *filters.split(","), "format=rgb24"]
        for name in names:
            kind, _, arguments = name.partition("=")
            steps.append(graph.add(kind, arguments))
        steps.append(graph.add("buffersink"))
        for first, second in itertools.pairwise(steps):
            first.link_to(second)
        graph.configure()
        graph.push(frame)
        result: Any = graph.pull()
        return np.asarray(result.to_ndarray())


@pytest.mark.attack("200 videos, turned, mirrored, stretched, late, with sound", "as FFmpeg's filters show them")
@given(
    matrix=st.sampled_from(list(SHOWN)),
    width=st.sampled_from([32, 48, 96]),
    height=st.sampled_from([32, 64]),
    ratio=st.sampled_from([Fraction(1), Fraction(2), Fraction(16, 15), Fraction(8, 9), Fraction(1, 2)]),
    late=st.sampled_from([0.0, 0.5, 2.0]),
    sound=st.sampled_from([0.0, 3.0, 9.0]),
    small_first=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_a_video_is_what_players_show(
    matrix: tuple[int, int, int, int],
    width: int,
    height: int,
    ratio: Fraction,
    late: float,
    sound: float,
    small_first: bool,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.mov"
        write(path, width, height, matrix, ratio, late, sound, small_first=small_first)
        frames = list(reader.read(path))
        expected = shown(path, SHOWN[matrix])
        assert reader.size(path) == 3
    assert frames[0].rgb.shape == expected.shape
    assert np.abs(frames[0].rgb.astype(int) - expected).mean() < 3
    begins = late if sound or small_first else frames[0].seconds  # 0 is where the first stream starts
    np.testing.assert_allclose([frame.seconds for frame in frames], begins + np.arange(3), atol=0.15)


@pytest.mark.attack("slides, one long frame, a late video in Matroska", "whole, not cut off")
@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
@pytest.mark.parametrize(("times", "last"), [((0, 5, 10), 5), ((0,), 10), ((8, 9, 10), 10), ((0, 1), 20)])
def test_a_long_last_frame_is_no_early_end(name: str, times: tuple[int, ...], last: int, tmp_path: Path) -> None:
    millisecond = Fraction(1, 1000)
    with av.open(str(tmp_path / name), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 32, 32, "yuv420p", millisecond
        stream.codec_context.time_base = millisecond
        audio: Any = container.add_stream("aac", rate=8000, layout="mono")
        for start in range(0, 8000 * (times[-1] + last), 1024):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            samples.sample_rate, samples.pts = 8000, start
            container.mux(audio.encode(samples))
        ends = (*times[1:], times[-1] + last)
        for time, end in zip(times, ends, strict=True):
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts, frame.time_base = 1000 * time, millisecond
            for packet in stream.encode(frame):
                packet.duration = 1000 * (end - time)
                container.mux(packet)
        for each in (stream, audio):
            container.mux(each.encode(None))
    np.testing.assert_allclose([frame.seconds for frame in reader.read(tmp_path / name)], times, atol=0.1)


@pytest.mark.attack("a title in Latin-1", "the video is read")
def test_a_title_may_have_any_encoding(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", 32, 32, (1, 0, 0, 1), Fraction(1), title="Fete")
    content = (tmp_path / "a.mp4").read_bytes()
    assert b"Fete" in content
    (tmp_path / "a.mp4").write_bytes(content.replace(b"Fete", b"F\xeate"))
    assert len(list(reader.read(tmp_path / "a.mp4"))) == 3


@pytest.mark.attack("sound, and sound with a cover, in a folder", "counted as sound")
def test_sound_with_a_cover_is_sound(tmp_path: Path) -> None:
    for name, cover in (("a.m4a", False), ("b.m4a", True), ("c.mp4", False)):
        with av.open(str(tmp_path / name), "w", format="mp4") as container:
            audio: Any = container.add_stream("aac", rate=8000, layout="mono")
            picture: Any = container.add_stream("mjpeg") if cover else None
            if cover:
                picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
                picture.disposition = av.stream.Disposition.attached_pic
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
                container.mux(picture.encode(frame.reformat(format="yuvj420p")))
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            samples.sample_rate = 8000
            for each in container.streams:
                container.mux(each.encode(samples if each is audio else None))  # type: ignore[attr-defined]
            container.mux(audio.encode(None))
    left_out = LeftOut()
    assert list(find_sources([str(tmp_path)], left_out)) == []
    assert left_out.remarks[0] == "left out, sound: 3 (2 .m4a, 1 .mp4)"
    with pytest.raises(InputError, match=r"a\.m4a: expected a video, found sound alone"):
        next(reader.read(tmp_path / "a.m4a"))


@pytest.mark.attack("a video of 49 megapixels", "refused before a frame is decoded")
def test_large_frames_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    side = 7_000
    with av.open(str(tmp_path / "large.mkv"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(side, side, "yuv420p")))
        container.mux(stream.encode(None))
    expected = f"at most {limits.FRAME} pixels, found {side} x {side}"
    with pytest.raises(InputError, match=expected):
        next(reader.read(tmp_path / "large.mkv"))
    write(tmp_path / "wide.mov", 320, 320, (1, 0, 0, 1), Fraction(8))
    monkeypatch.setattr(limits, "FRAME", 320 * 320 * 7)
    with pytest.raises(InputError, match=r"frames as they are shown: expected"):
        next(reader.read(tmp_path / "wide.mov"))
    monkeypatch.setattr(limits, "FRAME", 320 * 320)  # as FFmpeg counts, with padding, these are larger
    with pytest.raises(InputError, match=r"expected frames of at most 102400 pixels, found larger ones"):
        next(reader.read(tmp_path / "wide.mov"))
