"""A second of the demo clip with two people in it, and the take of it."""

from pathlib import Path

import pytest

from mocap.pipeline import ExtractConfig, extract
from mocap.take import Take
from mocap.video import VideoWriter, open_video

#: Both are in sight, one on a wall, one walking.
FIRST, FRAMES = 60, 24


@pytest.fixture(scope="session")
def clip(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "two.mp4"
    with open_video(demo_clip) as video:
        info = video.info
        with VideoWriter(path, info.width, info.height, info.fps, crf=12) as writer:
            for frame in video:
                if frame.index >= FIRST + FRAMES:
                    break
                if frame.index >= FIRST:
                    writer.write(frame.image)
    return path


@pytest.fixture(scope="session")
def take(clip: Path, pose_bundle: Path, hand_bundle: Path) -> Take:
    return extract(clip, ExtractConfig(hands=False))
