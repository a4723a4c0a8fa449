"""How far joints are from the angles they should have."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.skeletons import SMPLX_55
from mocap.take import BodyMotion

#: Joints whose rotations a body motion tells, relative to their parents: the root and 21 more.
ROTATING: tuple[str, ...] = SMPLX_55.names[:22]


def local_rotations(motion: BodyMotion) -> Float[np.ndarray, "frames 22 3"]:
    """Axis-angle rotations (radians) of the body's joints relative to their parents."""
    frames = len(motion.global_orient)
    return np.concatenate(
        [motion.global_orient[:, None], motion.body_pose.reshape(frames, 21, 3)], axis=1
    ).astype(float)


def rotation_errors(
    predicted: Float[np.ndarray, "*batch 3"], true: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch"]:
    """The angle (degrees) between rotations given as axis-angle; NaN where either is missing."""
    shape = true.shape[:-1]
    a, b = predicted.reshape(-1, 3), true.reshape(-1, 3)
    known = np.isfinite(a).all(-1) & np.isfinite(b).all(-1)
    errors = np.full(len(a), np.nan)
    between = Rotation.from_rotvec(a[known]).inv() * Rotation.from_rotvec(b[known])
    errors[known] = np.rad2deg(between.magnitude())
    return errors.reshape(shape)


def bend_angles(
    points: Float[np.ndarray, "frames joints 3"],
    names: Sequence[str],
    bends: Mapping[str, tuple[str, str, str]],
) -> Float[np.ndarray, "frames bends"]:
    """How far elbows and knees are bent, degrees from straight; NaN where an end is missing."""
    index = list(names).index
    columns = []
    for before, joint, behind in bends.values():
        if not {before, joint, behind} <= set(names):
            columns.append(np.full(len(points), np.nan))
            continue
        a = points[:, index(joint)] - points[:, index(before)]
        b = points[:, index(behind)] - points[:, index(joint)]
        cross = np.linalg.norm(np.cross(a, b), axis=-1)
        columns.append(np.rad2deg(np.arctan2(cross, np.sum(a * b, -1))))
    return np.stack(columns, -1)
