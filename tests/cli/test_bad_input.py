"""Whatever is wrong with a video: one line that says so, and nothing left behind."""

import re
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from mocap.video import VideoWriter

from .conftest import PATIENCE, Ended, cut, start

Run = Callable[..., Ended]


def refuse(mocap: Run, video: Path, out: Path, *options: object) -> str:
    """The message with which a video is refused."""
    ended = mocap("extract", video, "--out", out, *options)
    assert ended.code == 1
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    return errors[0].removeprefix("error: ")


def test_no_such_file(mocap: Run, tmp_path: Path) -> None:
    video = tmp_path / "none.mp4"
    assert refuse(mocap, video, tmp_path / "out").startswith(f"{video}: no such file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"Dear diary, this is no video.\n" * 100])
def test_not_a_video(mocap: Run, tmp_path: Path, content: bytes) -> None:
    video = tmp_path / "odd [red]name.mp4"
    video.write_bytes(content)
    assert refuse(mocap, video, tmp_path / "deep" / "out").startswith(f"{video}: ")
    assert [path.name for path in tmp_path.iterdir()] == [video.name]


def test_sound_without_pictures(mocap: Run, tmp_path: Path) -> None:
    video = tmp_path / "song.wav"
    with wave.open(str(video), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.zeros(8000, np.int16).tobytes())
    assert str(video) in refuse(mocap, video, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cut_short_download(mocap: Run, demo_clip: Path, tmp_path: Path) -> None:
    video = tmp_path / "half.mp4"
    # The index lies at the end of the file: without it nothing can be read.
    plain = tmp_path / "plain.mp4"
    with av.open(str(demo_clip)) as source, av.open(str(plain), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    content = plain.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    assert str(video) in refuse(mocap, video, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nobody_in_it(mocap: Run, pose_bundle: Path, hand_bundle: Path, tmp_path: Path) -> None:
    video = tmp_path / "noise.mp4"
    noise = np.random.default_rng(0)
    with VideoWriter(video, 320, 240, 30) as writer:
        for _ in range(10):
            writer.write(noise.integers(0, 256, (240, 320, 3), np.uint8))
    message = refuse(mocap, video, tmp_path / "new" / "out")
    assert re.search(r"noise\.mp4: nobody was found in 10 frames", message)
    assert not (tmp_path / "new").exists()


def test_a_single_frame(
    mocap: Run, demo_clip: Path, pose_bundle: Path, hand_bundle: Path, tmp_path: Path
) -> None:
    video = cut(demo_clip, tmp_path / "one.mp4", 1)
    message = refuse(mocap, video, tmp_path / "out")
    assert "no body could be fitted" in message
    assert "at least 3" in message
    # What was detected is kept, and shown.
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["overlay.mp4", "take.h5"]


def test_an_output_folder_that_cannot_be(mocap: Run, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/mocap")):
        message = refuse(mocap, clip, out)
        assert message.startswith(f"{out}: cannot be written")
        assert "--out" in message
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_missing_body_file(mocap: Run, clip: Path, tmp_path: Path) -> None:
    message = refuse(mocap, clip, tmp_path / "out", "--body", tmp_path / "no.npz")
    assert "no.npz: no such file" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--height", 0.5],
        ["--height", 3],
        ["--height", "tall"],
        ["--fov", 5],
        ["--fov", 180],
        ["--people", 0],
        ["--fps", 0],
        ["--surprise"],
    ],
)
def test_wrong_calls(mocap: Run, clip: Path, tmp_path: Path, options: list[object]) -> None:
    ended = mocap("extract", clip, "--out", tmp_path / "out", *options)
    assert ended.code == 2
    assert str(options[0]) in ended.err
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(
    clip: Path, pose_bundle: Path, hand_bundle: Path, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource", reason="this system limits no file sizes")

    def allow_small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    options = ("--out", tmp_path / "out", "--no-hands")
    process = start("extract", clip, *options, preexec_fn=allow_small_files)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert re.search(r"error: .*take\.h5: cannot be written", err)
    assert not (tmp_path / "out").exists()


def test_results_into_a_full_pipe_end_silently(extracted: Path) -> None:
    # A reader that goes away at once.
    command = f"'{sys.executable}' -m mocap.cli info '{extracted / 'take.h5'}' --json | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
