"""A motion between its frames."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation


def between(
    times: Float[np.ndarray, " frames"],
    rotations: Float[np.ndarray, "frames joints 3"],
    transl: Float[np.ndarray, "frames 3"],
    at: Float[np.ndarray, " moments"],
) -> tuple[Float[np.ndarray, "moments joints 3"], Float[np.ndarray, "moments 3"]]:
    """Rotations and places at any moments: turned the shorter way from the frame before, evenly.

    Args:
        times: of the frames, one at least, seconds, rising.
        rotations: axis-angles, radians.
        transl: metres.
        at: moments, seconds; beyond the ends, the ends.
    """
    at = np.clip(at, times[0], times[-1])
    low = np.searchsorted(times, at, "right") - 1
    high = np.minimum(low + 1, len(times) - 1)
    gap = times[high] - times[low]
    share = np.divide(at - times[low], gap, out=np.zeros(len(at)), where=gap > 0)[:, None]
    joints = rotations.shape[1]
    before, after = (
        Rotation.from_rotvec(rotations[frames].reshape(-1, 3)) for frames in (low, high)
    )
    part = (before.inv() * after).as_rotvec() * np.repeat(share, joints, axis=0)
    turned = (before * Rotation.from_rotvec(part)).as_rotvec().reshape(-1, joints, 3)
    return turned, (1 - share) * transl[low] + share * transl[high]
