"""Short clips cut from the real one, and one extraction that many tests look at."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mocap.cli import main
from mocap.video import VideoWriter, open_video

#: Seconds within which any command on a short clip must end.
PATIENCE = 120


def cut(source: Path, target: Path, frames: int, *, first: int = 0) -> Path:
    """Some frames of a video as a video."""
    with open_video(source) as video:
        info = video.info
        with VideoWriter(target, info.width, info.height, info.fps) as writer:
            for frame in video:
                if frame.index >= first + frames:
                    break
                if frame.index >= first:
                    writer.write(frame.image)
    return target


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def mocap(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command in this process."""

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return run


def start(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """Start a command in a process of its own, its outputs piped."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "mocap.cli", *(str(argument) for argument in arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture(scope="session")
def clip(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of one person."""
    return cut(demo_clip, tmp_path_factory.mktemp("clips") / "walk.mp4", 20)


@pytest.fixture(scope="session")
def _extracted(
    clip: Path, pose_bundle: Path, hand_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("extracted") / "walk"
    assert main(["extract", str(clip), "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def extracted(_extracted: Path, tmp_path: Path) -> Path:
    """A folder that `mocap extract` has filled, the test's own."""
    return Path(shutil.copytree(_extracted, tmp_path / "results"))
