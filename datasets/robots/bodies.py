"""Bodies of robots as simulators list them, and whether a file's are where a robot's are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.errors import RetargetError
from mocap.retarget import Pose, Robot, pose_robot

#: How far a file's bodies may be from the robot's, metres: models of one robot differ a little.
_APART = 0.05
#: Frames in which bodies are compared.
_COMPARED = 50


def moving(robot: Robot) -> list[int]:
    """The base and the bodies that have joints, in the model's order.

    Isaac Lab has these only: bodies that are fixed to others are merged with them.
    """
    return [body for body in range(len(robot.bodies)) if body == 0 or robot.joints_of(body)]


def breadth_first(robot: Robot, bodies: Sequence[int]) -> list[int]:
    """Bodies as PhysX has them: by the number of joints above, each level in the model's order."""
    return sorted(bodies, key=lambda body: len(robot.joints_to(body)))


def joints_of(robot: Robot, bodies: Sequence[int]) -> list[int]:
    """The joints of bodies, in the bodies' order."""
    return [joint for body in bodies for joint in robot.joints_of(body)]


def centres(robot: Robot, bodies: Sequence[int]) -> Float[np.ndarray, "bodies 3"]:
    """(B, 3) of every body of the robot, its centre of mass in its axes, metres.

    What is fixed to one of ``bodies`` is part of it.
    """
    zero = Pose(np.zeros((1, 3)), np.eye(3)[None], np.zeros((1, len(robot.joints))))
    rest = pose_robot(robot, zero)
    mass, moment = np.zeros(len(robot.bodies)), np.zeros((len(robot.bodies), 3))
    for body in range(len(robot.bodies)):
        whole = next(one for one in reversed(robot.above(body)) if one in bodies)
        own = robot.model.body_mass[robot.first + body]
        mass[whole] += own
        moment[whole] += own * rest.point(body, robot.model.body_ipos[robot.first + body])[0]
    found = np.zeros((len(robot.bodies), 3))
    for body in bodies:
        if mass[body]:
            found[body] = (moment[body] / mass[body] - rest.places[body, 0]) @ rest.turns[body, 0]
    return found


def apart(
    robot: Robot,
    pose: Pose,
    names: Sequence[str],
    places: Float[np.ndarray, "frames bodies 3"],
) -> float:
    """How far bodies of a file are from those of a robot in the same pose at most, metres."""
    some = np.unique(np.linspace(0, len(pose) - 1, _COMPARED).astype(int))
    posed = pose_robot(robot, pose[some])
    own = posed.places[[robot.bodies.index(name) for name in names]]
    return float(np.linalg.norm(np.swapaxes(own, 0, 1) - places[some], axis=-1).max())


def fits(
    path: Path,
    robot: Robot,
    pose: Pose,
    names: Sequence[str],
    places: Float[np.ndarray, "frames bodies 3"],
) -> None:
    """Nothing.

    Raises:
        RetargetError: a file's bodies are not where the robot's are.
    """
    off = apart(robot, pose, names, places)
    if not off <= _APART:
        raise RetargetError(
            f"{path}: its bodies are up to {off:.2f} m from where {robot.name}'s are; say by "
            "--robot whose motion it is"
        )
