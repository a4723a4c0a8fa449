"""Which joint carries which: a rig's own hierarchy, or where that is none of a body, a body's.

Rigs made for animators hang limbs from controls that stand beside the hips, and let constraints
move them (Blender's Rigify does). Files of motion have no constraints: such limbs are carried by
the body's joints here, and get positions of their own.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from mocap.skeletons import SMPLX_55

#: SMPL-X's joint to the one above it.
_ABOVE = {
    name: SMPLX_55.names[parent]
    for name, parent in zip(SMPLX_55.names, SMPLX_55.parents, strict=True)
    if parent >= 0
}


def carriers_of(
    parents: tuple[int, ...], joints: Mapping[str, int], places: Float[np.ndarray, "joints 3"]
) -> tuple[int, ...]:
    """The joint that carries each joint, -1 for the first.

    Args:
        parents: the file's.
        joints: SMPL-X's joints among its own.
        places: (J, 3) the joints of who stands, metres.

    Returns:
        ``parents``, if every joint of the body hangs from the hips. If not: what hangs from nothing
        of the body is carried by the joint above it on a body, or, if it is none of a body, by
        the nearest bone. What holds the hips is carried as the file says.
    """
    hips = joints["pelvis"]
    holding = {-1}
    above = hips
    while above >= 0:
        holding.add(above)
        above = parents[above]
    named = set(joints.values())
    # Whether a joint hangs from one of the body.
    hangs: list[bool] = []
    for parent in parents:
        hangs.append(parent >= 0 and (hangs[parent] or parent in named))
    if all(hangs[joint] or joint in holding for joint in named):
        return parents
    found = list(parents)
    called = {joint: name for name, joint in joints.items()}
    for joint in range(len(parents)):
        if hangs[joint] or joint in holding:
            continue
        name = called.get(joint)
        found[joint] = (
            _nearest(places[joint], joints, places) if name is None else _on_a_body(name, joints)
        )
    return tuple(found)


def parents_first(parents: tuple[int, ...]) -> tuple[int, ...]:
    """The joints in an order in which what carries comes before what is carried."""
    depth = [0] * len(parents)
    for joint in range(len(parents)):
        above = parents[joint]
        while above >= 0:
            depth[joint] += 1
            above = parents[above]
    return tuple(sorted(range(len(parents)), key=lambda joint: depth[joint]))


def _on_a_body(name: str, joints: Mapping[str, int]) -> int:
    """The joint above one on a body, of those that there are."""
    above = _ABOVE[name]
    while above not in joints:
        above = _ABOVE[above]
    return joints[above]


def _nearest(place: np.ndarray, joints: Mapping[str, int], places: np.ndarray) -> int:
    """The joint of the body whose bone is nearest to a place."""
    best, found = np.inf, joints["pelvis"]
    for name, joint in joints.items():
        start = places[joint]
        below = [joints[end] for end, above in _ABOVE.items() if above == name and end in joints]
        for end in below or [joint]:
            bone = places[end] - start
            along = np.clip((place - start) @ bone / max(bone @ bone, 1e-12), 0.0, 1.0)
            distance = float(np.linalg.norm(start + along * bone - place))
            if distance < best - 1e-9:
                best, found = distance, joint
    return found
