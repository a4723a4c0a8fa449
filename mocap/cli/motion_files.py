"""Motion files as commands are given them: one clip each, at the rate that is known of it."""

from dataclasses import replace
from pathlib import Path

from mocap.body import Body
from mocap.datasets.motions import MotionClip, Source, motion_sources
from mocap.errors import MocapError

#: How names of takes end.
TAKES = frozenset({".h5", ".hdf5"})


def is_take(path: Path) -> bool:
    """Whether a file is called as takes are."""
    return path.suffix.lower() in TAKES


def only_source(path: Path, body: Body) -> Source:
    """The one motion that a file, or a folder, holds.

    Raises:
        MocapError: it is none, or holds several.
    """
    found = motion_sources(path, body)
    if len(found) != 1:
        raise MocapError(f"{path}: holds {len(found)} motions; give the file of one of them")
    return found[0]


def at_rate(
    clip: MotionClip, path: Path, fps: float | None, option: str
) -> tuple[MotionClip, list[str]]:
    """A clip at the rate that the user tells, and what users should know of its own.

    Args:
        clip: as it was read.
        path: of its file.
        fps: frames a second, in place of what the file tells; None for that.
        option: by which users tell it.
    """
    if fps is not None:
        return replace(clip, fps=fps), []
    if clip.fps_told:
        return clip, []
    return clip, [f"{path}: taken for {clip.fps:g} frames a second; {option} tells it"]
