"""What bodies can and will do: joints' limits, and motion without jerks."""

import numpy as np

from mocap.fitting import freedom
from mocap.fitting.kinematics import Pose
from mocap.fitting.terms.weights import Weights


def joint_limits(pose: Pose, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """How far angles are beyond their limits: residuals (F, C), diagonal derivative (F, C)."""
    low, high = freedom.limits()
    beyond = np.minimum(pose.coordinates - low, 0) + np.maximum(pose.coordinates - high, 0)
    return beyond / weights.limit, (beyond != 0) / weights.limit


def acceleration_scale(fps: float, weights: Weights) -> np.ndarray:
    """What multiplies the second difference of each unknown, so that rates compare fairly.

    The sum over frames approximates an integral over time, whatever the frame rate: with more
    frames a second there is more evidence a second, and the motion is no smoother for it.
    """
    sigma = np.concatenate(
        [
            np.full(3, weights.translation_acceleration),
            np.full(3, weights.root_acceleration),
            np.full(freedom.SIZE - 6, weights.acceleration),
        ]
    )
    return fps**2 / sigma
