"""What joints may do, and their positions moved inside of that, no farther than needed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import sparse
from scipy.optimize import linprog

from mocap.errors import RetargetError
from mocap.retarget.correspondence import Correspondence
from mocap.retarget.neighbours import widened
from mocap.retarget.robot import Robot

#: Frames around those that are accelerated too much that are moved at first, and the share of what
#: accelerations may be that is aimed at.
_REACH, _INSIDE = 10, 1.0 - 1e-5


@dataclass(frozen=True)
class JointLimits:
    """What joints may do: (J,) each, radians or metres, and seconds.

    Attributes:
        low: least position.
        high: greatest.
        speed: greatest speed.
        acceleration: greatest acceleration; infinite where none is told.
    """

    low: Float[np.ndarray, " joints"]
    high: Float[np.ndarray, " joints"]
    speed: Float[np.ndarray, " joints"]
    acceleration: Float[np.ndarray, " joints"]


def limits_of(robot: Robot, found: Correspondence) -> JointLimits:
    """What a robot's joints may do, by its model and what the correspondence adds."""
    low, high, speed = robot.low.copy(), robot.high.copy(), robot.speed.copy()
    acceleration = np.full(len(low), np.inf)
    for name, one in found.limits.items():
        joint = robot.joints.index(name)
        low[joint] = low[joint] if one.low is None else max(low[joint], one.low)
        high[joint] = high[joint] if one.high is None else min(high[joint], one.high)
        speed[joint] = speed[joint] if one.speed is None else one.speed
        acceleration[joint] = np.inf if one.acceleration is None else one.acceleration
    return JointLimits(low, high, speed, acceleration)


def within_limits(
    joints: Float[np.ndarray, "frames joints"], limits: JointLimits, fps: float
) -> Float[np.ndarray, "frames joints"]:
    """The same motion within limits.

    Of a curve's largest minorant and smallest majorant that are nowhere steeper than allowed, the
    mean is nowhere steeper either, and the curve itself where that was no steeper. Joints that are
    still accelerated too much are moved to a motion near by that keeps all limits.

    Raises:
        RetargetError: no such motion was found.
    """
    inside = np.clip(joints, limits.low, limits.high)
    most = limits.speed / fps * (1.0 - 1e-9)
    if (np.abs(np.diff(inside, axis=0)) > most).any():
        below, above = inside.copy(), inside.copy()
        for frame in range(1, len(inside)):
            np.minimum(below[frame], below[frame - 1] + most, out=below[frame])
            np.maximum(above[frame], above[frame - 1] - most, out=above[frame])
        for frame in range(len(inside) - 2, -1, -1):
            np.minimum(below[frame], below[frame + 1] + most, out=below[frame])
            np.maximum(above[frame], above[frame + 1] - most, out=above[frame])
        inside = 0.5 * (below + above)
    bend = limits.acceleration / fps**2
    for joint in np.flatnonzero((np.abs(np.diff(inside, 2, axis=0)) > bend).any(0)):
        bounds = (one[joint] for one in (limits.low, limits.high, most, bend))
        inside[:, joint] = _calmed(inside[:, joint], *bounds)
    return inside


def _calmed(
    joint: Float[np.ndarray, " frames"], low: float, high: float, step: float, bend: float
) -> Float[np.ndarray, " frames"]:
    """The motion within positions, steps and second differences that strays least, in sum.

    A linear program over the frames around those that bend too much; over more of them, as long as
    these do not suffice.
    """
    frames = len(joint)
    first = sparse.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(frames - 1, frames)) / step
    second = sparse.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(frames - 2, frames)) / (
        bend * _INSIDE
    )
    differences = sparse.vstack([first, second])
    nothing = sparse.csr_array(differences.shape)
    off = sparse.hstack([sparse.eye_array(frames), -sparse.eye_array(frames)])
    beyond = sparse.hstack([-sparse.eye_array(frames), -sparse.eye_array(frames)])
    rows = sparse.vstack(
        [sparse.hstack([sign * differences, nothing]) for sign in (1.0, -1.0)] + [off, beyond]
    )
    most = np.concatenate([np.ones(2 * differences.shape[0]), joint, -joint])
    bent = np.zeros(frames, bool)
    bent[1:-1] = np.abs(np.diff(joint, 2)) > bend
    reach = _REACH
    while True:
        free = widened(bent, reach)
        room = np.where(free[:, None], [low, high], joint[:, None])
        bounds = np.concatenate([room, np.tile([0.0, np.inf], (frames, 1))])
        costs = np.repeat([0.0, 1.0], frames)
        found = linprog(costs, rows, most, bounds=bounds, method="highs")
        if found.success:
            return np.clip(found.x[:frames], low, high)
        if free.all():
            raise RetargetError(f"accelerations cannot be kept within limits: {found.message}")
        reach *= 3
