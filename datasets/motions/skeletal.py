"""From any program's skeleton to a clip of SMPL-X's joints."""

import numpy as np

from mocap.datasets.motions.clip import MotionClip
from mocap.errors import MocapError
from mocap.exporters import SkeletalMotion, plain, table_for, upright_axes
from mocap.geometry import Z_UP_TO_Y_UP

#: Rotations that mean something on another skeleton: the others are told by where joints are.
_TURNERS = ("pelvis", "spine3", "head", "left_ankle", "right_ankle", "left_wrist", "right_wrist")
#: Points that tell where a foot or a hand points, and the joint whose bone it is.
_TIPS = {
    "left_foot": "left_ankle",
    "right_foot": "right_ankle",
    "left_middle1": "left_wrist",
    "right_middle1": "right_wrist",
}


def clip_of(
    motion: SkeletalMotion, name: str, performer: str, *, up: str | None = None
) -> MotionClip:
    """The clip of a skeletal motion.

    Rotations are kept where the skeleton's zero pose is a person standing upright.

    Args:
        motion: in metres.
        name: of the clip.
        performer: who moves.
        up: the axis of the file's world that points up, ``"y"`` or ``"z"``; the one the rest pose
            stands along if None.

    Raises:
        MocapError: the skeleton's names are of no known family, or its numbers are not finite.
    """
    numbers = (motion.rest_offsets, motion.rotations, motion.root_position)
    if not all(np.isfinite(one).all() for one in numbers):
        raise MocapError(f"{name}: some of its numbers are not finite")
    table = table_for(motion.names)
    index = {plain(theirs): i for i, theirs in enumerate(motion.names)}
    rest = motion.rest_positions()
    joints, world = motion.joints(), motion.world_rotations()
    names, columns, resting = [], [], []
    for mine, theirs in table.places.items():
        names.append(mine)
        columns.append(joints[:, index[theirs]])
        resting.append(rest[index[theirs]])
    for mine, above in _TIPS.items():
        if mine in names or above not in table.places:
            continue
        at = index[table.turner(above)]
        tip = _tip(motion, at)
        if tip is not None:
            names.append(mine)
            columns.append(joints[:, at] + world[:, at] @ tip)
            resting.append(rest[at] + tip)
    axes = upright_axes(np.array(resting), tuple(names))
    turns = np.full((len(motion), len(names), 3, 3), np.nan)
    if axes is not None:
        for mine in _TURNERS:
            if mine in table.places:
                turns[:, names.index(mine)] = world[:, index[table.turner(mine)]] @ axes
    clip = MotionClip(
        name,
        performer,
        motion.fps,
        tuple(names),
        np.stack(columns, 1),
        None if axes is None else turns,
        None if axes is None else np.array(resting) @ axes,
    )
    if up is None:
        up = "z" if axes is not None and abs(axes[2, 1]) > 0.5 else "y"
    return clip.turned(Z_UP_TO_Y_UP) if up == "z" else clip


def _tip(motion: SkeletalMotion, joint: int) -> np.ndarray | None:
    """Where a bone ends, from its joint: the middle of its children, or the file's end site."""
    children = [
        motion.rest_offsets[i]
        for i, parent in enumerate(motion.parents)
        if parent == joint and "thumb" not in motion.names[i].lower()
    ]
    if motion.end_sites is not None and np.isfinite(motion.end_sites[joint]).all():
        children = children or [motion.end_sites[joint]]
    tip = np.mean(children, axis=0) if children else np.zeros(3)
    return tip if np.linalg.norm(tip) > 0 else None
