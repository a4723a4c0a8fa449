"""Made-up motion of robots."""

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.retarget import Robot, Trajectory


def swinging(robot: Robot, *, frames: int = 40, fps: float = 50.0, seed: int = 0) -> Trajectory:
    """A walk along a curve, every joint swinging in its own way within its limits."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / fps
    count = len(robot.joints)
    low, high = np.maximum(robot.low, -2.0), np.minimum(robot.high, 2.0)
    phase = time * rng.uniform(1, 6, count) + rng.uniform(0, 6, count)
    turn = Rotation.from_euler("xyz", np.hstack([0.3 * np.sin(2 * time), 0.2 * time, 2.5 * time]))
    return Trajectory(
        robot=robot.name,
        person="person-1",
        fps=fps,
        joint_names=robot.joints,
        body_names=robot.bodies,
        root_position=np.hstack([time, np.sin(3 * time), 0.8 + 0.05 * np.cos(9 * time)]),
        root_quaternion=turn.as_quat(scalar_first=True),
        joint_position=0.5 * (low + high) + 0.4 * (high - low) * np.sin(phase),
        contacts=rng.uniform(size=(frames, 4)) > 0.5,
        scale=0.9,
    )
