"""What many tests share: the fetched models and clips, and the folder of test data."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mocap.assets import fetch
from mocap.errors import AssetError

if TYPE_CHECKING:
    from mocap.body import Body
    from mocap.take import Take

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    # MuJoCo asks when it is first imported, by whichever test: how it draws without a screen.
    os.environ.setdefault("MUJOCO_GL", "egl")


def _fetch_or_skip(name: str) -> Path:
    try:
        return fetch(name)
    except AssetError as error:
        # Another file than the pinned one is a defect; no network is not.
        if "pinned" in str(error):
            raise
        pytest.skip(" ".join(str(error).split()))


@pytest.fixture(scope="session")
def pose_bundle() -> Path:
    """MediaPipe's pose landmarker, from the user's cache."""
    return _fetch_or_skip("pose_landmarker")


@pytest.fixture(scope="session")
def hand_bundle() -> Path:
    """MediaPipe's hand landmarker, from the user's cache."""
    return _fetch_or_skip("hand_landmarker")


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """A clip of two people crossing."""
    return _fetch_or_skip("demo_clip")


@pytest.fixture(scope="session")
def pair_clip(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Most of a second of the demo clip: both people in sight, one on a wall, one walking."""
    from mocap.video import VideoWriter, open_video

    first, frames = 60, 24
    path = tmp_path_factory.mktemp("clips") / "two.mp4"
    with open_video(demo_clip) as video:
        info = video.info
        with VideoWriter(path, info.width, info.height, info.fps, crf=12) as writer:
            for frame in video:
                if frame.index >= first + frames:
                    break
                if frame.index >= first:
                    writer.write(frame.image)
    return path


@pytest.fixture(scope="session")
def pair_take(pair_clip: Path, pose_bundle: Path, hand_bundle: Path) -> Take:
    """The take of it, without hands."""
    from mocap.pipeline import ExtractConfig, extract

    return extract(pair_clip, ExtractConfig(hands=False))


@pytest.fixture(scope="session")
def four_camera_clip() -> Path:
    """A folder: ``cam01.mp4`` to ``cam04.mp4`` of one person, and ``Calib.qca.txt``."""
    return _fetch_or_skip("four_camera_clip")


@pytest.fixture(scope="session")
def body() -> Body:
    """The open body."""
    # PyTorch takes seconds to import: only tests of bodies pay for it.
    from mocap.body import load_body

    return load_body()


@pytest.fixture(scope="session")
def body64(body: Body) -> Body:
    """The same in double precision."""
    import torch

    return body.to(dtype=torch.float64)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of test data that is too large for the repository."""
    folder = os.environ.get("MOCAP_DATA")
    if not folder:
        pytest.skip("MOCAP_DATA does not name the folder of test data")
    return Path(folder)
