"""Whether shapes whose files call +Y up are meant to be turned.

COLLADA says that whoever reads a file turns it to their own axes, and some robots are written for
that. ROS's viewers never did, and as many robots say ``Y_UP`` without meaning it. Joints tell: a
link's own joint and those of the links on it lie in its shape, or near it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.geometry import Y_UP_TO_Z_UP

if TYPE_CHECKING:
    import mujoco

#: How much nearer joints have to be, as a share, before ROS's way is left.
_CLEARLY = 0.6


def y_is_up(spec: mujoco.MjSpec, shapes: Mapping[str, Float[np.ndarray, "points 3"]]) -> bool:
    """Whether joints are nearer to the shapes when these are turned.

    Args:
        spec: whose geoms show where shapes are.
        shapes: points of meshes that may have to be turned, by the mesh's name.
    """
    off = np.zeros(2)
    for geom in spec.geoms:
        if geom.meshname not in shapes:
            continue
        points = shapes[geom.meshname] * spec.mesh(geom.meshname).scale
        joints = np.array([np.zeros(3), *(child.pos for child in geom.parent.bodies)])
        seen = Rotation.from_quat(geom.quat, scalar_first=True).inv().apply(joints - geom.pos)
        for row, placed in enumerate((points, points @ Y_UP_TO_Z_UP.T)):
            beyond = np.maximum(placed.min(0) - seen, seen - placed.max(0))
            off[row] += np.linalg.norm(np.maximum(beyond, 0.0), axis=1).sum()
    return bool(off[1] < _CLEARLY * off[0])
