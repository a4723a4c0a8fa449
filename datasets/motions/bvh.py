"""Motion files in BVH, of any family of skeletons whose names are known."""

from pathlib import Path

import numpy as np

from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.skeletal import clip_of
from mocap.errors import MocapError
from mocap.exporters import ADULT_LEG, read_bvh


def read_bvh_clip(
    path: str | Path, *, units: float | None = None, performer: str = "", skip: int = 0
) -> MotionClip:
    """Read one BVH file.

    Args:
        path: the file.
        units: metres in one of its units; None makes the legs an adult's.
        performer: who moves; the file's name if empty.
        skip: frames to leave out at the start: many files begin with a calibration pose.

    Raises:
        ExportError: the file is missing or malformed.
        MocapError: the skeleton's names are of no known family, or nothing is left of the file.
    """
    path = Path(path)
    motion = read_bvh(path, units=1.0 if units is None else units)
    clip = clip_of(motion, path.stem, performer or path.stem)[skip:]
    if not len(clip):
        raise MocapError(f"{path}: has no frames after the first {skip}")
    return clip if units is not None else adult(clip, path)


def adult(clip: MotionClip, path: Path) -> MotionClip:
    """The clip in metres, if its performer is an adult.

    Args:
        clip: in any unit.
        path: its file, for the message.

    Raises:
        MocapError: the clip has no legs, or legs of no length.
    """
    leg = leg_length(clip)
    if not leg > 0:
        raise MocapError(f"{path}: its legs have no length to tell its unit by")
    return clip.scaled(ADULT_LEG / leg)


def leg_length(clip: MotionClip) -> float:
    """Thigh and shank, mean of both legs, in the clip's unit.

    Raises:
        MocapError: the clip has no legs.
    """
    lengths = []
    for side in ("left", "right"):
        told = (clip.place(f"{side}_{joint}") for joint in ("hip", "knee", "ankle"))
        chain = [place for place in told if place is not None]
        if len(chain) < 3:
            raise MocapError(f"{clip.name}: has no {side} leg to tell its unit by")
        lengths.append(np.linalg.norm(np.diff(np.stack(chain), axis=0), axis=-1).sum(0).mean())
    return float(np.mean(lengths))
