"""Axes for bones: along to the next joint, as animators' programs have them."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from mocap.exporters.motion import SkeletalMotion

#: Along the bone, and the axis that comes as near to ahead as it can.
BoneAxes = Literal["world", "y", "x"]


def bone_axes(motion: SkeletalMotion, axes: BoneAxes) -> Float[np.ndarray, "joints 3 3"]:
    """Rest axes of a skeleton's joints: (J, 3, 3), the axes in columns.

    Args:
        motion: the skeleton.
        axes: ``"world"`` for the world's own; ``"y"`` for a y axis along the bone to the next
            joint, as Blender and Mixamo have it; ``"x"`` for an x axis along it, as Unreal does.
            Of the other two, z comes as near as it can to +Z.
    """
    if axes == "world":
        return np.tile(np.eye(3), (len(motion.names), 1, 1))
    along = _directions(motion)
    ahead = np.array([0.0, 0.0, 1.0])
    # A bone that points ahead, as feet do, has its z axis up instead; and jaws, and eyes.
    level = np.abs(along @ ahead) > 0.8
    wanted = np.where(level[:, None], np.array([0.0, 1.0, 0.0]), ahead)
    z = wanted - np.sum(wanted * along, axis=1, keepdims=True) * along
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    x = np.cross(along, z)
    frame = (x, along, z) if axes == "y" else (along, -x, z)
    return np.stack(frame, axis=-1)


def _directions(motion: SkeletalMotion) -> np.ndarray:
    """(J, 3) unit vectors from each joint to the next."""
    tips, moved, children = motion.tips(), motion.moved_joints(), motion.children()
    found = np.empty((len(motion.names), 3))
    for i, mine in enumerate(children):
        # What ends at once beside others, as jaws and eyes do, tells no direction.
        told = mine if len(mine) == 1 else [child for child in mine if children[child]]
        if told:
            found[i] = motion.rest_offsets[_onward(told, motion, children)]
            if any(moved[child] for child in told):
                # Blender ties a bone to the end of another that points at it: it cannot move then.
                found[i] = np.eye(3)[2 - int(np.argmin(np.abs(found[i][::-1])))]
        else:
            found[i] = motion.rest_offsets[i] if mine else tips[i]
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.where(length > 1e-6, found / np.where(length > 0, length, 1.0), [0.0, 1.0, 0.0])


def _onward(mine: Sequence[int], motion: SkeletalMotion, children: Sequence[Sequence[int]]) -> int:
    """The child that a chain goes on with: the middle finger, the neck, the spine."""
    offsets = motion.rest_offsets[list(mine)]
    ways = offsets / (np.linalg.norm(offsets, axis=1, keepdims=True) + 1e-9)
    mean = ways.mean(0)
    if np.linalg.norm(mean) > 0.5:
        return mine[int(np.argmax(ways @ mean))]
    # Where they go all ways, as from the hips, it is the one that carries most.
    return max(mine, key=lambda child: _carried(child, children))


def _carried(joint: int, children: Sequence[Sequence[int]]) -> int:
    return 1 + sum(_carried(child, children) for child in children[joint])
