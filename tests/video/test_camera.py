from itertools import pairwise

import cv2
import pytest

from mocap.errors import VideoError
from mocap.video import open_video

from .clips import grey_levels, level, write_clip


@pytest.fixture
def camera(tmp_path, monkeypatch):
    """A camera 0 that shows a clip: OpenCV's own reader stands in for the device."""
    path = write_clip(tmp_path / "scene.mp4", grey_levels(8))
    real = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda index: real(str(path)))


@pytest.mark.usefixtures("camera")
def test_frames_are_timed_by_arrival_and_end_with_the_device(caplog):
    with open_video(0) as source:
        info = source.info
        frames = list(source)
        with pytest.raises(VideoError, match="only once"):
            list(source)
    assert (info.path, info.width, info.height, info.fps) == ("camera:0", 64, 48, 25)
    assert (info.frame_count, info.duration) == (None, None)
    # The first picture is spent on learning the size.
    assert [level(frame.image) for frame in frames] == list(range(1, 8))
    times = [frame.time for frame in frames]
    assert times[0] == 0
    assert all(a < b for a, b in pairwise(times))
    assert "stopped after 7 frames" in caplog.text


@pytest.mark.usefixtures("camera")
def test_stop():
    with open_video(0) as source:
        seen = 0
        for _ in source:
            seen += 1
            source.stop()
    assert seen == 1


def test_no_camera():
    with pytest.raises(VideoError, match="camera:97: no picture from this camera"):
        open_video(97)
