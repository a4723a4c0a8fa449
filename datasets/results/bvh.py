"""BVH files of any family of skeletons that is known by its joints' names.

Their skeletons are not SMPL-X's: the open body is given the performer's proportions and follows,
as in :mod:`mocap.datasets.motions.retarget`; fingers turn as the file's do.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.body import Body
from mocap.datasets.motions.bvh import adult, leg_length
from mocap.datasets.motions.skeletal import clip_of
from mocap.datasets.results.fingers import finger_turns
from mocap.datasets.results.following import followed
from mocap.datasets.results.recording import Footage, Recording
from mocap.errors import MocapError
from mocap.exporters import ADULT_LEG, read_bvh
from mocap.progress import Progress, silent

#: Legs of people and of characters, metres: beyond these the unit is another.
_LEGS = (0.2, 3.2)
#: Names of units, to suggest.
_UNITS = {1.0: "m", 0.01: "cm", 0.001: "mm", 0.0254: "in"}


def read_bvh_motion(
    path: Path,
    body: Body,
    *,
    units: float | None = None,
    footage: Footage | None = None,
    progress: Progress = silent,
) -> Recording:
    """Read a BVH file as motion of the body.

    Args:
        path: the file.
        body: ours.
        units: metres in one of the file's; if None, what makes the legs an adult's.
        footage: the video that it was made from, if it is at hand.
        progress: told of frames that the body has followed.

    Raises:
        MocapError: the file is missing or malformed, nobody can follow its skeleton, its unit makes
            legs that nobody has, or the video is shorter.
    """
    motion = read_bvh(path, units=1.0 if units is None else units)
    if footage is not None:
        footage.require(len(motion))
    clip = clip_of(motion, "person-1", path.stem)
    if units is None:
        clip = adult(clip, path)
    else:
        _require_likely(leg_length(clip), units, path)
    (person,) = followed([clip], body, progress=progress)
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


def _require_likely(leg: float, units: float, path: Path) -> None:
    """Refuse a unit with which legs are nobody's."""
    if _LEGS[0] < leg < _LEGS[1] or not leg > 0:
        return
    likeliest = min(_UNITS, key=lambda unit: abs(np.log(leg * unit / units / ADULT_LEG)))
    told = _UNITS.get(units, f"{units:g}")
    raise MocapError(
        f"{path}: its legs would be {leg:.3g} m long with --units {told}; did you mean "
        f"{_UNITS[likeliest]}? Without --units they are an adult's"
    )
