"""What a skeleton's file holds: a dictionary of names, hierarchy and places.

Research code has it so, each with keys of its own. Nothing has to be in it but joints, under one
of :data:`JOINT_KEYS`: (J, 3) in one pose or (F, J, 3) over time, as an array or as lists. ``names``
and ``parents``, if any, are as many as joints. Everything else is kept as it is.
"""

from typing import Any

import numpy as np
from jaxtyping import Num

from mocap.errors import MocapError
from mocap.skeletons import Skeleton

#: Where joints are looked for, in this order.
JOINT_KEYS = (
    *("joints", "positions", "keypoints3d", "keypoints_3d", "joints3d", "joints_3d"),
    *("keypoints", "xyz"),
)
#: Coordinates in the plane or in space, and perhaps a confidence.
_WIDTHS = (2, 3, 4)


def joints_of(content: Any) -> tuple[str, Num[np.ndarray, "*frames joints axes"]]:
    """The joints of a skeleton, and under which key they are.

    Raises:
        MocapError: there are none, or names or parents are not those of as many joints.
    """
    if not isinstance(content, dict):
        raise MocapError(f"holds a {type(content).__name__}, not a dictionary with joints")
    key = next((key for key in JOINT_KEYS if key in content), None)
    if key is None:
        held = ", ".join(map(str, list(content)[:8])) or "nothing"
        raise MocapError(f"holds {held}, but no {' or '.join(JOINT_KEYS[:3])}")
    try:
        joints = np.asarray(content[key])
        # Lists may hold None where nothing was seen.
        joints = joints.astype(float) if joints.dtype.kind == "O" else joints
    except (TypeError, ValueError):
        joints = np.empty(0, "S")
    if (
        joints.dtype.kind not in "iuf"
        or joints.ndim not in (2, 3)
        or joints.shape[-1] not in _WIDTHS
    ):
        raise MocapError(f"{key} must be numbers of shape (joints, 3) or (frames, joints, 3)")
    _check_hierarchy(content, joints.shape[-2])
    return key, joints


def _check_hierarchy(content: dict[str, Any], count: int) -> None:
    for key, kind in (("names", "U"), ("parents", "iu")):
        if content.get(key) is None:
            continue
        # Names may come as an array of objects.
        values = np.array(list(content[key]) if np.ndim(content[key]) else [])
        # A set that is no tree has no parents.
        if key == "parents" and values.size == 0:
            continue
        if values.shape != (count,) or values.dtype.kind not in kind:
            what = "texts" if key == "names" else "whole numbers"
            raise MocapError(f"{key} must be {count} {what}, one for each joint")
        if key == "parents" and not np.all((values >= -1) & (values < count)):
            raise MocapError(f"parents must be joints 0 to {count - 1}, or -1 at a root")


def describing(skeleton: Skeleton) -> dict[str, Any]:
    """A set's name, and its points' names, parents, edges and mirror: plain lists.

    A set that is no hierarchy, but whose edges make a tree, has parents from the middle of the hips
    outwards, not always before their children; COCO's 17 have none.
    """
    return {
        "set": skeleton.name,
        "names": list(skeleton.names),
        "parents": list(skeleton.parents) or _outwards(skeleton),
        "edges": [list(edge) for edge in skeleton.edges],
        "mirror": list(skeleton.mirror),
    }


def _outwards(skeleton: Skeleton) -> list[int]:
    roots = [name for name in ("mid_hip", "body_center") if name in skeleton.names]
    if not roots or len(skeleton.edges) != len(skeleton) - 1:
        return []
    parents = {skeleton.index(roots[0]): -1}
    while len(parents) < len(skeleton):
        for edge in skeleton.edges:
            for near, far in (edge, edge[::-1]):
                if near in parents and far not in parents:
                    parents[far] = near
    return [parents[i] for i in range(len(skeleton))]
