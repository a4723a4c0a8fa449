"""Joint positions moved inside their limits and speeds, exactly, and no farther than needed."""

import numpy as np
from jaxtyping import Float


def within_limits(
    joints: Float[np.ndarray, "frames joints"],
    low: Float[np.ndarray, " joints"],
    high: Float[np.ndarray, " joints"],
    speed: Float[np.ndarray, " joints"],
    fps: float,
) -> Float[np.ndarray, "frames joints"]:
    """The same motion within limits.

    Of a curve's largest minorant and smallest majorant that are nowhere steeper than allowed, the
    mean is nowhere steeper either, and the curve itself where that was no steeper.
    """
    inside = np.clip(joints, low, high)
    most = speed / fps * (1.0 - 1e-9)
    if not (np.abs(np.diff(inside, axis=0)) > most).any():
        return inside
    below, above = inside.copy(), inside.copy()
    for frame in range(1, len(inside)):
        np.minimum(below[frame], below[frame - 1] + most, out=below[frame])
        np.maximum(above[frame], above[frame - 1] - most, out=above[frame])
    for frame in range(len(inside) - 2, -1, -1):
        np.minimum(below[frame], below[frame + 1] + most, out=below[frame])
        np.maximum(above[frame], above[frame + 1] - most, out=above[frame])
    return 0.5 * (below + above)
