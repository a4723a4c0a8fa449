"""BVH files of any family of skeletons that is known by its joints' names.

Their skeletons are not SMPL-X's: the open body is given the performer's proportions and follows,
as in :mod:`mocap.datasets.motions.retarget`; fingers turn as the file's do.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.body import Body
from mocap.datasets.motions.bvh import adult
from mocap.datasets.motions.skeletal import clip_of
from mocap.datasets.results.fingers import finger_turns
from mocap.datasets.results.following import followed
from mocap.datasets.results.recording import Recording
from mocap.exporters import read_bvh


def read_bvh_motion(path: Path, body: Body, *, units: float | None = None) -> Recording:
    """Read a BVH file as motion of the body.

    Args:
        path: the file.
        body: ours.
        units: metres in one of the file's; if None, what makes the legs an adult's.

    Raises:
        MocapError: the file is missing or malformed, or nobody can follow its skeleton.
    """
    motion = read_bvh(path, units=1.0 if units is None else units)
    clip = clip_of(motion, path.stem, path.stem)
    if units is None:
        clip = adult(clip, path)
    person = followed(clip, body)
    fingers = finger_turns(motion, body)
    person = replace(person, turns=np.where(fingers != 0, fingers, person.turns))
    told = "an adult's legs" if units is None else f"{units:g} m"
    return Recording(
        "BVH",
        "the file's skeleton",
        f"as the skeleton stands; unit: {told}",
        (person,),
        gravity="the file's axes",
        fps=clip.fps,
    )
