"""Feet of people: where the sole is about SMPL-X's joints, and when it rests.

Foot points are left heel, left ball, right heel and right ball.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_closing, binary_opening, gaussian_filter1d

#: How deep the sole is below SMPL-X's ball of the foot, as a share of thigh and shank: measured on
#: the open body.
DEPTH = 0.0315
#: Heel and ball on the sole ahead of the ankle, as shares of the way from it to the ball's joint.
HEEL, BALL = -0.13, 0.95
#: How fast, m/s, what rests may be: where rest and no rest are equally likely.
RESTING_SPEED = 0.3
#: Likewise how high over what is rested on, metres.
_LIFT = 0.05
#: Seconds that a rest lasts at least, and that a gap in one lasts.
_SHORTEST = 0.1
#: Seconds over which places are smoothed before their speed is asked.
_CALM = 0.03


def smoothed(points: Float[np.ndarray, "frames points 3"], fps: float) -> np.ndarray:
    """Points without the shaking of single frames, metres."""
    return gaussian_filter1d(points, _CALM * fps, axis=0, mode="nearest")


def speeds(
    points: Float[np.ndarray, "frames points 3"], fps: float
) -> Float[np.ndarray, "frames points"]:
    """How fast points go, m/s; nothing moves in a single frame."""
    if len(points) < 2:
        return np.zeros(points.shape[:2])
    return np.linalg.norm(np.gradient(points, axis=0), axis=-1) * fps


def resting_probability(
    speed: Float[np.ndarray, "frames points"], lift: Float[np.ndarray, "frames points"]
) -> Float[np.ndarray, "frames points"]:
    """How likely points rest that go at a speed (m/s) so high over what they could rest on (m)."""
    return 1.0 / ((1.0 + (speed / RESTING_SPEED) ** 4) * (1.0 + (lift / _LIFT) ** 4))


def rests_of(
    probability: Float[np.ndarray, "frames points"], fps: float
) -> Bool[np.ndarray, "frames points"]:
    """Which points rest, more likely than not; rests and gaps of a moment are none."""
    span = max(round(_SHORTEST * fps), 1)
    rests = np.pad(probability > 0.5, ((span, span), (0, 0)), mode="edge")
    brush = np.ones((span, 1), dtype=bool)
    return binary_opening(binary_closing(rests, brush), brush)[span:-span]
