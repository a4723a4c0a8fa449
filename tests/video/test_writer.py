import math
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

import mocap.video.writer as writer_module
from mocap.errors import VideoError
from mocap.video import VideoWriter, open_video
from mocap.video.writer import exact_rate

from .clips import corners, grey_levels, level, noise, quadrants


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def write_and_raise(path, error):
    with VideoWriter(path, 160, 120, 25) as writer:
        for image in noise(20):
            writer.write(image)
        raise error


def write_at(path, times):
    with VideoWriter(path, 64, 48, 25) as writer:
        for time in times:
            writer.write(quadrants(), time)


def test_round_trip(tmp_path):
    path = tmp_path / "out.mp4"
    images = grey_levels(30)
    with VideoWriter(path, 64, 48, 29.97) as writer:
        for image in images:
            writer.write(image)
        assert not path.exists()
    assert writer.frame_count == 30
    assert names_in(tmp_path) == ["out.mp4"]
    with open_video(path) as source:
        frames = list(source)
        assert source.info.fps == pytest.approx(30000 / 1001, abs=1e-9)
        assert source.info.duration == pytest.approx(30 * 1001 / 30000, abs=1e-4)
    assert [level(frame.image) for frame in frames] == list(range(30))
    assert [f.time for f in frames] == pytest.approx([i * 1001 / 30000 for i in range(30)])


def test_variable_rate_round_trip(tmp_path):
    times = [0.0, 0.01, 0.5, 0.5333, 2.0, 2.04]
    with VideoWriter(tmp_path / "out.mp4", 64, 48, 25) as writer:
        for image, time in zip(grey_levels(6), times, strict=True):
            writer.write(image, time)
    with open_video(tmp_path / "out.mp4") as source:
        found = [frame.time for frame in source]
    assert found == pytest.approx(times, abs=1 / 120_000)


@pytest.mark.parametrize("size", [(64, 48), (66, 50), (65, 49), (1, 1), (63, 46)])
def test_colours_and_padding(tmp_path, size):
    width, height = size
    image = quadrants(*size)
    with VideoWriter(tmp_path / "out.mp4", width, height, 25, crf=1) as writer:
        writer.write(image)
    with open_video(tmp_path / "out.mp4") as source:
        found = next(iter(source)).image
    assert found.shape == (height + height % 2, width + width % 2, 3)
    if width > 1:
        assert corners(found[:height, :width]) == ["R", "G", "B", "W"]
        assert np.abs(found[2:20, 2:28].astype(int) - image[2:20, 2:28]).max() <= 8
    assert (found[-1, -1] > 240).all()


def test_colours_survive_high_definition(tmp_path):
    image = np.full((720, 1280, 3), (200, 120, 30), np.uint8)
    with VideoWriter(tmp_path / "out.mp4", 1280, 720, 25) as writer:
        writer.write(image)
    with open_video(tmp_path / "out.mp4") as source:
        assert np.abs(next(iter(source)).image.astype(int) - image).max() <= 4


def test_format_is_what_players_take(tmp_path):
    path = tmp_path / "out.mp4"
    with VideoWriter(path, 64, 48, 25) as writer:
        for image in grey_levels(60):
            writer.write(image[:, ::-1])
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        keys = [f.pts * stream.time_base for f in container.decode(stream) if f.key_frame]
    assert keys == [0, 1, 2]


def test_fallback_encoder(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "_ENCODERS", ("no such encoder", "mpeg4"))
    with VideoWriter(tmp_path / "out.mp4", 64, 48, 25) as writer:
        for i in range(5):
            writer.write(quadrants(), i * 0.1)
    with open_video(tmp_path / "out.mp4") as source:
        frames = list(source)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=1e-4)
    assert corners(frames[4].image) == ["R", "G", "B", "W"]


@pytest.mark.parametrize("error", [KeyError("bug"), KeyboardInterrupt()])
def test_nothing_is_left_after_an_exception(tmp_path, error):
    kept = tmp_path / "out.mp4"
    kept.write_bytes(b"an earlier result")
    with pytest.raises(type(error)):
        write_and_raise(kept, error)
    assert names_in(tmp_path) == ["out.mp4"]
    assert kept.read_bytes() == b"an earlier result"


def test_no_frames(tmp_path):
    with (
        pytest.raises(VideoError, match="no frame was written"),
        VideoWriter(tmp_path / "out.mp4", 64, 48, 25),
    ):
        pass
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("limit", [2_000, 100_000, "all but 1"])
def test_full_disk(tmp_path, limit):
    """A limit on file size fails writes just as a full disk does."""
    pytest.importorskip("resource")
    code = (
        "import resource, sys\n"
        "import numpy as np\n"
        "from mocap.errors import VideoError\n"
        "from mocap.video import VideoWriter\n"
        "path, limit = sys.argv[1], int(sys.argv[2])\n"
        "rng = np.random.default_rng(0)\n"
        "if limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try:\n"
        "    with VideoWriter(path, 160, 120, 25, threads=1) as writer:\n"
        "        for _ in range(25):\n"
        "            writer.write(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8))\n"
        "except VideoError as error:\n"
        "    print(error)\n"
    )

    def run(name, limit):
        command = [sys.executable, "-c", code, str(tmp_path / name), str(limit)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    if limit == "all but 1":
        assert run("whole.mp4", 0) == ""
        limit = (tmp_path / "whole.mp4").stat().st_size - 1
        (tmp_path / "whole.mp4").unlink()
    said = run("out.mp4", limit)
    assert "out.mp4: the disk is full; free some space" in said
    assert names_in(tmp_path) == []


def test_targets_that_cannot_be_written(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    for name, message in [
        ("absent/out.mp4", "folder does not exist"),
        ("folder.mp4", "is a folder"),
        ("out.avi", r"give a name ending in \.mp4"),
    ]:
        with pytest.raises(VideoError, match=message), VideoWriter(tmp_path / name, 64, 48, 25):
            pass
    with (
        pytest.raises(VideoError, match="cannot be written"),
        VideoWriter("/proc/self/out.mp4", 64, 48, 25) as writer,
    ):
        writer.write(quadrants())


def test_misuse(tmp_path):
    with pytest.raises(ValueError, match="size"):
        VideoWriter(tmp_path / "a.mp4", 0, 48, 25)
    with pytest.raises(RuntimeError, match="with statement"):
        VideoWriter(tmp_path / "a.mp4", 64, 48, 25).write(quadrants())
    for times in ([None, 1.0], [0.0, None], [1.0, 0.5], [math.nan], [-1.0]):
        with pytest.raises(ValueError, match="time"):
            write_at(tmp_path / "a.mp4", times)
    for image in (quadrants(48, 64), quadrants().astype(np.float32), quadrants()[..., 0]):
        writer = VideoWriter(tmp_path / "a.mp4", 64, 48, 25)
        with pytest.raises(ValueError, match="image must be uint8"), writer:
            writer.write(image)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (30, Fraction(30)),
        (29.97, Fraction(30000, 1001)),
        (30000 / 1001, Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (12.5, Fraction(25, 2)),
        (Fraction(25, 2), Fraction(25, 2)),
        (0.5, Fraction(1, 2)),
    ],
)
def test_exact_rate(fps, expected):
    assert exact_rate(fps) == expected


@pytest.mark.parametrize("fps", [0, -1, math.inf, math.nan])
def test_impossible_rate(fps):
    with pytest.raises(ValueError, match="fps"):
        exact_rate(fps)
