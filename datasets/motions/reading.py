"""One motion file by what it is: which reader it needs, and who performs in it."""

from collections.abc import Callable
from pathlib import Path

from mocap.body import Body
from mocap.datasets.motions.bvh import read_bvh_clip
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.smpl import aistpp_performer, read_aistpp_clip, read_amass_clip


def read_motion(path: Path, body: Body) -> tuple[str, Callable[[], MotionClip]] | None:
    """The performer of a motion file and what reads it; None where no reader takes such files.

    Args:
        path: a BVH, an AMASS-style npz, or a pickle of AIST++.
        body: for motion that is told by rotations of the body alone.
    """
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        # Nothing in a BVH tells who moves: whoever keeps people apart keeps them in folders.
        return path.resolve().parent.name, lambda: read_bvh_clip(path)
    if suffix == ".npz":
        # AMASS keeps a folder for each subject.
        return path.resolve().parent.name, lambda: read_amass_clip(path, body)
    if suffix == ".pkl":
        return aistpp_performer(path), lambda: read_aistpp_clip(path, body)
    return None
