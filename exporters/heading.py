"""Where somebody is heading: what a bone on the ground below the hips turns by."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from mocap.exporters.euler import euler_matrices
from mocap.exporters.motion import SkeletalMotion

#: Seconds over which the root bone's heading is smoothed.
_CALM = 0.25


def calm_heading(motion: SkeletalMotion) -> Float[np.ndarray, "frames 3 3"]:
    """(F, 3, 3) turns about +Y that go along with the root, calmly.

    Args:
        motion: +Y up; at rest the root looks along +Z.
    """
    ahead = motion.rotations[:, 0] @ [0.0, 0.0, 1.0]
    level = np.hypot(ahead[:, 0], ahead[:, 2])
    angle = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))
    # Of somebody who bends or lies, ahead is up or down: the heading is that of before and after.
    told = np.flatnonzero(level > 0.3)
    if len(told):
        angle = np.interp(np.arange(len(angle)), told, np.unwrap(angle[told]))
    angle = gaussian_filter1d(angle, _CALM * motion.fps, mode="nearest")
    return euler_matrices(angle[:, None], "Y")
