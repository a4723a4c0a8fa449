"""Which foot points of a person rest: by how they move, and by what labels say of them.

Neither knows all. A foot that slides or stands on a stair moves as if it did not rest; labels are
made by people and by networks, which are late, early, or mistaken. Both count as evidence, and a
label decides what the movement leaves open.
"""

import numpy as np
from jaxtyping import Bool, Float

from mocap.feet import RESTING_SPEED, resting_probability, rests_of, smoothed, speeds

#: How many labels are taken to be right.
_RELIABLE = 0.9


def resting(
    soles: Float[np.ndarray, "frames 4 3"],
    lowest: Float[np.ndarray, " frames"],
    labels: Float[np.ndarray, "frames 4"] | None,
    fps: float,
) -> tuple[Bool[np.ndarray, "frames 4"], float]:
    """Which foot points rest, and how high the floor is that they rest on.

    A point that a label has resting moves as one that does not from half a metre a second on;
    and it may be higher than the rest of the body, though not than the rest of its foot.

    Args:
        soles: left heel, left ball, right heel and right ball, metres, +Y up.
        lowest: how high the lowest of the body is, soles included.
        labels: how likely each rests, as somebody says; NaN where nobody does.
        fps: frames a second.
    """
    smooth = smoothed(soles, fps)
    speed = speeds(smooth, fps)
    slow = smooth[..., 1][speed < RESTING_SPEED]
    floor = float(np.percentile(slow if len(slow) > 8 else smooth[..., 1], 10))
    # Who kneels or lies does so on the floor, and not on the feet.
    floor = min(floor, float(np.percentile(lowest, 10)))
    # On stairs, too: over whatever of the body is lowest, be that where it may.
    lift = smooth[..., 1] - np.minimum(smooth[..., 1].min(1), lowest)[:, None]
    if labels is None:
        return rests_of(resting_probability(speed, lift), fps), floor
    feet = smooth[..., 1].reshape(-1, 2, 2)
    tilt = (feet - feet.min(2, keepdims=True)).reshape(lift.shape)
    moving = resting_probability(speed, np.where(labels > 0.5, tilt, lift))
    said = np.where(np.isnan(labels), 0.5, (1 - _RELIABLE) + (2 * _RELIABLE - 1) * labels)
    both = moving * said / (moving * said + (1 - moving) * (1 - said))
    return rests_of(both, fps), floor


def contradicted(
    labels: Float[np.ndarray, "frames 4"], rests: Bool[np.ndarray, "frames 4"]
) -> float:
    """The share of feet labelled as resting of which nothing does, 0 to 1."""
    labelled = (labels > 0.5).reshape(-1, 2, 2).any(2)
    free = labelled & ~rests.reshape(-1, 2, 2).any(2)
    return float(free.sum() / max(labelled.sum(), 1))
