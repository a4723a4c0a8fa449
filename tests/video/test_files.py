import logging
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mocap.errors import VideoError
from mocap.video import open_video

from .clips import corners, grey_levels, level, noise, quadrants, write_clip

CLIPS = Path(os.environ["MOCAP_DATA"]) / "clips" if "MOCAP_DATA" in os.environ else None


def read(path) -> tuple[list[float], list[np.ndarray]]:
    with open_video(path) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    return [frame.time for frame in frames], [frame.image for frame in frames]


@pytest.mark.parametrize(
    ("name", "codec", "b_frames"),
    [
        ("a.mp4", "libx264", 0),
        ("b.mp4", "libx264", 3),
        ("a.mkv", "libx264", 3),
        ("a.mov", "mpeg4", 0),
        ("a.avi", "mpeg4", 2),
        ("b.avi", "libx264", 2),
        ("a.webm", "libvpx-vp9", 0),
        ("a.ts", "libx264", 2),
        ("a.h264", "libx264", 2),
        ("a.gif", "gif", 0),
    ],
)
def test_constant_rate(tmp_path, name, codec, b_frames):
    pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
    path = write_clip(
        tmp_path / name, grey_levels(24), codec=codec, b_frames=b_frames, pix_fmt=pix_fmt
    )
    times, images = read(path)
    assert times == pytest.approx([i / 25 for i in range(24)], abs=1e-9)
    if codec != "gif":  # Its palette holds four shades of grey.
        off = [abs(level(image) - index) for index, image in enumerate(images)]
        assert max(off) <= (1 if codec == "mpeg4" else 0)
    with open_video(path) as source:
        assert source.info.fps == 25
        assert (source.info.width, source.info.height) == (64, 48)
        assert source.info.frame_count in (24, None)
        assert (source.info.frame_count is None) == name.endswith("h264")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_variable_rate_keeps_its_timestamps(tmp_path, name):
    seconds = [0, 0.04, 0.05, 0.2, 1.0, 1.033, 1.5]
    ticks = [round(value * 90000) for value in seconds]
    path = write_clip(
        tmp_path / name, grey_levels(7), ticks=ticks, time_base=Fraction(1, 90000), b_frames=2
    )
    times, images = read(path)
    # Matroska stores milliseconds.
    assert times == pytest.approx(seconds, abs=5.1e-4 if name == "a.mkv" else 1e-9)
    assert [level(image) for image in images] == list(range(7))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_nonzero_start_is_taken_off(tmp_path, name):
    ticks = [450000 + 3600 * i for i in range(10)]
    path = write_clip(tmp_path / name, grey_levels(10), ticks=ticks, time_base=Fraction(1, 90000))
    times, images = read(path)
    assert times == pytest.approx([i / 25 for i in range(10)], abs=1e-9)
    assert [level(image) for image in images] == list(range(10))


def test_edit_list_hides_what_it_cuts_away(tmp_path, caplog):
    path = write_clip(tmp_path / "edited.mp4", grey_levels(20), gop=20)
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 12
    media_timescale_at = data.index(b"mdhd") + 16
    timescale = int.from_bytes(data[media_timescale_at : media_timescale_at + 4], "big")
    data[entry + 4 : entry + 8] = (5 * timescale // 25).to_bytes(4, "big")
    data[entry : entry + 4] = (600).to_bytes(4, "big")  # 15 frames in milliseconds
    path.write_bytes(data)
    times, images = read(path)
    assert [level(image) for image in images] == list(range(5, 20))
    assert times == pytest.approx([i / 25 for i in range(15)])
    with open_video(path) as source:
        assert source.info.frame_count == 15
    assert not caplog.records


def test_every_iteration_starts_anew_even_side_by_side(tmp_path):
    path = write_clip(tmp_path / "a.mp4", grey_levels(8))
    with open_video(path) as source:
        pairs = [(level(a.image), level(b.image)) for a, b in zip(source, source, strict=True)]
    assert pairs == [(i, i) for i in range(8)]


def test_stop_and_close(tmp_path):
    path = write_clip(tmp_path / "a.mp4", grey_levels(8))
    with open_video(path) as source:
        seen = []
        for frame in source:
            seen.append(frame.index)
            if frame.index == 2:
                source.stop()
        assert seen == [0, 1, 2]
        assert len(list(source)) == 8
    with pytest.raises(ValueError, match="closed"):
        iter(source)


@pytest.mark.parametrize(
    ("pix_fmt", "codec"),
    [
        ("yuv420p10le", "libx264"),
        ("yuv422p", "libx264"),
        ("yuv444p", "libx264"),
        ("gray", "libx264"),
        ("yuvj420p", "libx264"),
        ("bgr0", "ffv1"),
    ],
)
def test_pixel_formats_come_as_rgb(tmp_path, pix_fmt, codec):
    image = quadrants()
    times, images = read(write_clip(tmp_path / "a.mkv", [image] * 2, pix_fmt=pix_fmt, codec=codec))
    assert len(times) == 2
    assert images[0].dtype == np.uint8
    if pix_fmt == "gray":
        luma = images[0][[12, 12, 36, 36], [16, 48, 16, 48]].astype(int)
        expected = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[[12, 12, 36, 36], [16, 48, 16, 48]]
        assert np.abs(luma - expected[:, None]).max() <= 6
    else:
        inner = (slice(4, 20), slice(4, 28))
        assert np.abs(images[0][inner].astype(int) - image[inner]).max() <= 6
        assert corners(images[0]) == ["R", "G", "B", "W"]


@pytest.mark.parametrize("size", [(65, 48), (64, 49), (31, 17)])
def test_odd_sizes(tmp_path, size):
    image = quadrants(*size)
    path = write_clip(tmp_path / "a.mkv", [image] * 2, pix_fmt="yuv444p")
    _, images = read(path)
    assert images[0].shape == image.shape
    assert np.abs(images[0].astype(int) - image).mean() < 6
    assert images[0].flags.c_contiguous
    assert images[0].flags.writeable


def test_untagged_high_definition_is_bt709(tmp_path):
    image = np.full((720, 1280, 3), (200, 120, 30), np.uint8)
    path = tmp_path / "hd.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=1280, height=720)
        stream.codec_context.pix_fmt = "yuv444p"
        picture = av.VideoFrame.from_ndarray(image)
        picture = picture.reformat(format="yuv444p", dst_colorspace="ITU709")
        picture.colorspace = 2
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    _, images = read(path)
    assert np.abs(images[0].astype(int) - image).max() <= 4


def test_anamorphic_pixels_become_square(tmp_path):
    path = tmp_path / "hdv.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=144, height=108)
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(quadrants(144, 108))))
        container.mux(stream.encode(None))
    with open_video(path) as source:
        assert (source.info.width, source.info.height) == (192, 108)
        assert next(iter(source)).image.shape == (108, 192, 3)


def test_one_frame(tmp_path):
    times, images = read(write_clip(tmp_path / "a.mp4", [quadrants()]))
    assert times == [0.0]
    assert corners(images[0]) == ["R", "G", "B", "W"]


def test_name_with_a_colon_and_spaces(tmp_path):
    path = write_clip(tmp_path / "x.mp4", [quadrants()])
    odd = path.rename(tmp_path / "take 1%03d: né.mp4")
    assert read(odd)[0] == [0.0]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_truncated_tail_gives_what_is_there_and_warns(tmp_path, caplog, name, part):
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path = write_clip(
        tmp_path / name,
        noise(30),
        codec=codec,
        gop=1,
        container_options={"movflags": "+faststart"} if name.endswith("mp4") else None,
    )
    data = path.read_bytes()
    cut = int(len(data) * part)
    with av.open(str(path)) as container:
        whole = sum(p.size > 0 and p.pos + p.size <= cut for p in container.demux(video=0))
    path.write_bytes(data[:cut])
    times, _ = read(path)
    assert whole - 1 <= len(times) <= whole + 1
    assert 0 < whole < 30
    assert times == pytest.approx([i / 25 for i in range(len(times))], abs=1e-9)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(path) in record.getMessage()
    assert f"{len(times)} frames read" in record.getMessage()


def test_truncated_transport_stream_gives_what_is_there(tmp_path):
    path = write_clip(tmp_path / "a.ts", noise(30), gop=1)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert 12 <= len(read(path)[0]) <= 16


def test_zeroed_tail_and_damage_in_the_middle(tmp_path, caplog):
    path = write_clip(
        tmp_path / "a.mp4", noise(30), gop=5, container_options={"movflags": "+faststart"}
    )
    data = bytearray(path.read_bytes())
    zeroed = data[: int(len(data) * 0.7)] + bytes(int(len(data) * 0.3))
    path.write_bytes(zeroed)
    assert 15 <= len(read(path)[0]) <= 22
    assert "tail is damaged" in caplog.text
    caplog.clear()
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    path.write_bytes(data)
    times, _ = read(path)
    assert len(times) >= 25
    assert "tail is damaged" not in caplog.text
    assert times[-1] == pytest.approx(29 / 25)
    assert "damaged" in caplog.text


def test_cut_before_the_index(tmp_path):
    path = write_clip(tmp_path / "a.mp4", noise(10))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(VideoError, match=r"a\.mp4: the file is incomplete: its index \(moov\)"):
        open_video(path)


def test_sound_only_and_cover_pictures(tmp_path):
    sound = tmp_path / "sound.m4a"
    with av.open(str(sound), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        samples = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp")
        samples.sample_rate = 44100
        container.mux(stream.encode(samples))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match=r"sound\.m4a: no video stream"):
        open_video(sound)
    write_clip(tmp_path / "cover.mp4", [quadrants()], codec="mjpeg", pix_fmt="yuvj420p")
    with (
        av.open(str(tmp_path / "cover.mp4")) as source,
        av.open(str(tmp_path / "song.mp4"), "w") as container,
    ):
        stream = container.add_stream_from_template(source.streams.video[0])
        stream.disposition = 0x400
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    with pytest.raises(VideoError, match="no video stream"):
        open_video(tmp_path / "song.mp4")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"just some words\n" * 100, "is text, not video"),
        ("naïve – ünïcödé ".encode() * 600, "is text, not video"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://localhost:9/x.ts\n", "is text"),
        (bytes(5000), "is not a video"),
        (bytes(range(256)) * 50, "is not a video"),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".txt"])
def test_files_that_are_no_video(tmp_path, content, expected, suffix):
    path = tmp_path / f"wrong{suffix}"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=expected) as caught:
        open_video(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_special_file(tmp_path):
    with pytest.raises(VideoError, match="no such file"):
        open_video(tmp_path / "absent.mp4")
    fifo = tmp_path / "pipe.mp4"
    os.mkfifo(fifo)
    with pytest.raises(VideoError, match="not a regular file"):
        open_video(fifo)


def test_unreadable_file(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [quadrants()])
    path.chmod(0)
    if os.geteuid() != 0:
        with pytest.raises(VideoError, match="permission denied"):
            open_video(path)
        return
    # Root may read everything, so ask as somebody else.
    pid = os.fork()
    if pid == 0:
        # From inside the folder, as those above it are closed to others.
        tmp_path.chmod(0o755)
        os.chdir(tmp_path)
        os.setuid(65534)
        try:
            open_video(path.name)
        except VideoError as error:
            os._exit(0 if "permission denied" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_memory_does_not_grow_with_length(tmp_path):
    path = write_clip(tmp_path / "long.mp4", [quadrants(640, 480)] * 400, gop=50)
    code = (
        "import resource, sys\n"
        "from mocap.video import open_video\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with open_video(sys.argv[1]) as source:\n"
        "    for frame in source:\n"
        "        if frame.index == 50: early = peak()\n"
        "assert frame.index == 399\n"
        "print(peak() - early)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    unit = 1024 if sys.platform == "darwin" else 1
    # The 349 frames between hold 320 MB.
    assert int(done.stdout) / unit < 30_000, "kilobytes"


@pytest.mark.skipif(CLIPS is None, reason="MOCAP_DATA is not set")
@pytest.mark.parametrize(
    ("name", "count", "fps", "size"),
    [
        ("single_view/sports2d_demo.mp4", 230, 30, (1768, 994)),
        ("single_view/bodypose3d_cam0.mp4", 187, 20, (720, 720)),
        ("pose2sim_single/cam01.mp4", 100, 60, (1080, 1920)),
    ],
)
def test_real_clips(name, count, fps, size, caplog):
    assert CLIPS is not None
    with open_video(CLIPS / name) as source:
        info = source.info
        times = [frame.time for frame in source]
    assert (info.width, info.height) == size
    assert info.fps == fps
    assert info.frame_count == len(times) == count
    assert times == pytest.approx([i / fps for i in range(count)], abs=1e-9)
    assert not caplog.records


@pytest.mark.skipif(CLIPS is None, reason="MOCAP_DATA is not set")
def test_real_clip_looks_as_opencv_reads_it():
    assert CLIPS is not None
    path = CLIPS / "single_view/bodypose3d_cam0.mp4"
    capture = cv2.VideoCapture(str(path))
    with open_video(path) as source:
        for frame in source:
            _, other = capture.read()
            if frame.index % 40 == 0:
                difference = frame.image.astype(int) - cv2.cvtColor(other, cv2.COLOR_BGR2RGB)
                assert np.abs(difference).mean() < 2
