"""Forward kinematics of a robot in many poses at once, and how points move with its joints."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.retarget.robot import Robot


@dataclass(frozen=True)
class Pose:
    """Poses of a robot over time, its own world: metres, +Z up.

    Attributes:
        place: (F, 3) the base's origin.
        turn: (F, 3, 3) from the base's axes to the world's.
        joints: (F, J) positions, radians or metres.
    """

    place: Float[np.ndarray, "frames 3"]
    turn: Float[np.ndarray, "frames 3 3"]
    joints: Float[np.ndarray, "frames joints"]

    def __len__(self) -> int:
        return len(self.place)

    def __getitem__(self, part: slice | np.ndarray) -> "Pose":
        return Pose(self.place[part], self.turn[part], self.joints[part])

    def moved(self, step: Float[np.ndarray, "frames unknowns"]) -> "Pose":
        """After a step: metres, a turn about the world's axes (radians), joints."""
        turn = Rotation.from_rotvec(step[:, 3:6]).as_matrix()
        return Pose(self.place + step[:, :3], turn @ self.turn, self.joints + step[:, 6:])

    def with_joints(self, joints: Float[np.ndarray, "frames joints"]) -> "Pose":
        """The same base with other joints."""
        return replace(self, joints=joints)


@dataclass(frozen=True)
class Posed:
    """Where a robot's bodies and axes are, world.

    Attributes:
        places: (B, F, 3) bodies' origins.
        turns: (B, F, 3, 3) from bodies' axes to the world's.
        axes: (J, F, 3) unit vectors that joints turn about or slide along.
        anchors: (J, F, 3) points of those axes.
    """

    places: Float[np.ndarray, "bodies frames 3"]
    turns: Float[np.ndarray, "bodies frames 3 3"]
    axes: Float[np.ndarray, "joints frames 3"]
    anchors: Float[np.ndarray, "joints frames 3"]

    def point(self, body: int, offset: Float[np.ndarray, "*points 3"]) -> np.ndarray:
        """A point, or several, that ride on a body: (F, 3) or (F, P, 3), world metres."""
        turned = offset @ np.swapaxes(self.turns[body], 1, 2)
        if offset.ndim == 1:
            return turned + self.places[body]
        return turned + self.places[body][:, None]

    def vector(self, body: int, offset: Float[np.ndarray, "3"]) -> np.ndarray:
        """(F, 3) a direction that turns with a body."""
        return self.turns[body] @ offset


def pose_robot(robot: Robot, pose: Pose) -> Posed:
    """Forward kinematics."""
    frames, bodies, joints = len(pose), len(robot.bodies), len(robot.joints)
    places, turns = np.empty((bodies, frames, 3)), np.empty((bodies, frames, 3, 3))
    axes, anchors = np.empty((joints, frames, 3)), np.empty((joints, frames, 3))
    places[0], turns[0] = pose.place, pose.turn
    sine, rest = np.sin(pose.joints), 1.0 - np.cos(pose.joints)
    for body in range(bodies):
        if body:
            above = robot.parents[body]
            places[body] = places[above] + turns[above] @ robot.offsets[body]
            turns[body] = turns[above] @ robot.turns[body]
        for joint in robot.joints_of(body):
            axis, anchor = robot.axes[joint], robot.anchors[joint]
            axes[joint] = turns[body] @ axis
            anchors[joint] = places[body] + turns[body] @ anchor
            if robot.slides[joint]:
                places[body] += axes[joint] * pose.joints[:, joint, None]
                continue
            skew = _skew(axis)
            # Rodrigues' formula.
            spin = sine[:, joint, None, None] * skew + rest[:, joint, None, None] * (skew @ skew)
            turns[body] += turns[body] @ spin
            if anchor.any():
                places[body] = anchors[joint] - turns[body] @ anchor
    return Posed(places, turns, axes, anchors)


def body_velocities(
    robot: Robot,
    posed: Posed,
    root: tuple[Float[np.ndarray, "frames 3"], Float[np.ndarray, "frames 3"]],
    joints: Float[np.ndarray, "frames joints"],
    points: Float[np.ndarray, "bodies 3"],
) -> tuple[Float[np.ndarray, "bodies frames 3"], Float[np.ndarray, "bodies frames 3"]]:
    """How fast bodies move and turn, world: m/s and rad/s.

    Args:
        robot: that moves.
        posed: where it is.
        root: velocity of the base's origin, m/s, and of its turn, rad/s, world.
        joints: (F, J) of the joints, rad/s or m/s.
        points: of each body, in its axes: what the velocity in metres is of.
    """
    linear, angular = np.empty_like(posed.places), np.empty_like(posed.places)
    for body, point in enumerate(points):
        place = posed.point(body, point)
        moves, turns = root[0] + np.cross(root[1], place - posed.places[0]), root[1].copy()
        for joint in robot.joints_to(body):
            rate = posed.axes[joint] * joints[:, joint, None]
            if robot.slides[joint]:
                moves = moves + rate
            else:
                moves = moves + np.cross(rate, place - posed.anchors[joint])
                turns += rate
        linear[body], angular[body] = moves, turns
    return linear, angular


def at_rest(robot: Robot) -> Posed:
    """One frame: joints at zero or as near as limits allow, the base as in the model."""
    pose = Pose(np.zeros((1, 3)), robot.turns[:1], robot.resting()[None])
    return pose_robot(robot, pose)


def _skew(axis: np.ndarray) -> np.ndarray:
    x, y, z = axis
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
