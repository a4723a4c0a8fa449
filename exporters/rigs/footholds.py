"""Feet that rest are kept in one place, and come and go without a jolt."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter1d, label

from mocap.easing import eased

#: Seconds over which a foot leaves the place it is kept in for where it would be, and back.
_BLEND = 0.15
#: Seconds over which a foot changes from heel to ball.
_ROLL = 0.03
#: Heights over the level people stand on that are taken for it, metres.
_ON_LEVEL = 0.05


def kept_in_place(
    points: Float[np.ndarray, "frames 2 3"],
    rests: Bool[np.ndarray, "frames 2"],
    level: float,
    fps: float,
) -> tuple[Float[np.ndarray, "frames 3"], Float[np.ndarray, " frames"]]:
    """What moves a foot so that what rests of it stays where it is.

    Args:
        points: heel and ball of the foot where they would be, metres, +Y up.
        rests: whether they rest.
        level: height of what the person stands on, metres.
        fps: frames a second.

    Returns:
        (F, 3) by how much, metres, and (F,) how much the foot is held, 0 to 1.
    """
    stances, count = label(rests.any(1))
    shift = np.zeros((len(points), 3))
    for stance in range(1, count + 1):
        frames = np.flatnonzero(stances == stance)
        shift[frames] = _shift(points[frames], rests[frames], level, fps)
    return eased(shift, stances, _BLEND * fps)


def _shift(points: np.ndarray, rests: np.ndarray, level: float, fps: float) -> np.ndarray:
    """The same within one stance."""
    both = rests.all(1)
    weights = gaussian_filter1d(rests.astype(float), _ROLL * fps, axis=0, mode="nearest")
    weights /= weights.sum(1, keepdims=True)
    shift = np.zeros((len(points), 3))
    for point in range(2):
        chosen = both if both.any() else rests[:, point]
        if chosen.any():
            place = points[chosen, point].mean(0)
            shift += weights[:, point, None] * (place - points[:, point])
    # Heights are those of whatever is lowest: feet roll over the floor.
    lowest = points[..., 1].min(1)
    floor = lowest[rests.any(1)].mean()
    floor = level if abs(floor - level) < _ON_LEVEL else floor
    shift[:, 1] = floor - lowest
    return shift
