"""Pose directions that keep limbs from thinning when a joint twists about its bone.

Linear blend skinning averages a vertex's two positions: at half weight and a twist of 90° a
forearm shrinks to 0.71 of its girth. For weight ``w`` and angle ``θ`` the loss is
``sqrt(1 - 2 w (1 - w) (1 - cos θ))``, and ``1 - cos θ`` of the twist about an axis is linear in
the rotation matrix, so SMPL-X's own pose directions (linear in ``R - I``) can widen the rest
shape by what will be lost. Swings about other axes give that term nothing.
"""

import numpy as np
from jaxtyping import Float

from mocap.skeletons import SMPLX_55

#: Joints that twist: the axis of the bone beyond them in the T-pose (0 = x, 1 = y), and the twist
#: in degrees at which the compensation is exact. It is some 4 % too much at half of that.
_TWISTS = {
    "shoulder": (0, 90.0),
    "elbow": (0, 90.0),
    "wrist": (0, 90.0),
    "hip": (1, 60.0),
    "knee": (1, 60.0),
    "neck": (1, 60.0),
    "head": (1, 60.0),
    "spine1": (1, 60.0),
    "spine2": (1, 60.0),
    "spine3": (1, 60.0),
}


def twist_directions(
    template: Float[np.ndarray, "vertices 3"],
    joints: Float[np.ndarray, "55 3"],
    weights: Float[np.ndarray, "vertices 55"],
) -> Float[np.ndarray, "vertices 3 486"]:
    """Pose directions in SMPL-X's layout: nine entries of ``R - I`` for every joint but the root.

    Args:
        template: vertices of the mean body in the T-pose, metres.
        joints: its joints.
        weights: skin weights.
    """
    directions = np.zeros((*template.shape, 9 * (len(SMPLX_55) - 1)), np.float32)
    for i, name in enumerate(SMPLX_55.names):
        part = name.removeprefix("left_").removeprefix("right_")
        if part not in _TWISTS:
            continue
        axis, angle = _TWISTS[part]
        turned = 1.0 - np.cos(np.deg2rad(angle))
        beyond = np.clip(weights[:, _subtree(i)].sum(axis=1), 0.0, 1.0)
        kept = np.sqrt(1.0 - 2.0 * beyond * (1.0 - beyond) * turned)
        gain = (1.0 / kept - 1.0) / turned
        radial = template - joints[i]
        radial[:, axis] = 0.0
        for entry in range(3):
            column = 9 * (i - 1) + 4 * entry
            share = 0.5 if entry == axis else -0.5
            directions[:, :, column] = share * gain[:, None] * radial
    return directions


def _subtree(root: int) -> list[int]:
    members = [root]
    for i, parent in enumerate(SMPLX_55.parents):
        if parent in members and i not in members:
            members.append(i)
    return members
