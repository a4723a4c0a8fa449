"""A robot's bodies that move, and what is rigidly one with each."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.retarget.kinematics import Posed, at_rest
from mocap.retarget.robot import Robot
from mocap.retarget.surface import hulls

_UP = (0.0, 0.0, 1.0)


class Tree:
    """The bodies that move, and what is rigidly fixed to each.

    Args:
        robot: whose.
        up: what of the model's world is up.
    """

    def __init__(self, robot: Robot, up: Sequence[float] = _UP) -> None:
        self.robot, self.rest = robot, _stood(at_rest(robot), up)
        self.hulls = hulls(robot, seen=True)
        self.carrier: list[int] = []
        for body in range(len(robot.bodies)):
            free = [j for j in robot.joints_of(body) if not robot.locked[j]]
            fixed = body and not free
            self.carrier.append(self.carrier[robot.parents[body]] if fixed else body)
        self.moving = sorted(set(self.carrier))
        self.above = {b: self.carrier[robot.parents[b]] for b in self.moving if b}

    def children(self, body: int) -> list[int]:
        """Moving bodies that hang on a moving body."""
        return [b for b, above in self.above.items() if above == body]

    def below(self, body: int) -> list[int]:
        """A moving body and all moving ones beyond it."""
        return [body, *(found for child in self.children(body) for found in self.below(child))]

    def size(self, body: int) -> int:
        """How many bodies there are from one on, those that do not move too."""
        return sum(body in self.robot.above(link) for link in range(len(self.robot.bodies)))

    def anchor(self, body: int) -> np.ndarray:
        """Where a moving body is jointed."""
        joints = [j for j in self.robot.joints_of(body) if not self.robot.locked[j]]
        return self.rest.anchors[joints[0], 0]

    def points(self, body: int) -> np.ndarray:
        """(P, 3) surface and link origins of what is rigidly one with a moving body."""
        found = [np.zeros((0, 3))]
        for link in (b for b, carrier in enumerate(self.carrier) if carrier == body):
            hull = self.hulls[link]
            if len(hull):
                placed = self.rest.point(link, hull.points)[0]
                found += [placed - [0, 0, 1] * hull.radii[:, None], placed]
            found.append(self.rest.places[link])
        return np.concatenate(found)

    def reach(self, body: int) -> float:
        """How far what begins here can be stretched, metres."""
        start = self.anchor(body)
        onward = [
            np.linalg.norm(self.anchor(b) - start) + self.reach(b) for b in self.children(body)
        ]
        return float(max([0.0, *onward, *np.linalg.norm(self.points(body) - start, axis=1)]))


def _stood(rest: Posed, up: Sequence[float]) -> Posed:
    """A robot at rest, turned so that a direction of the model's world is up."""
    turn = Rotation.align_vectors([_UP], [up])[0].as_matrix() if up[2] < 1 else np.eye(3)
    across = turn.T
    return Posed(
        places=rest.places @ across,
        turns=turn @ rest.turns,
        axes=rest.axes @ across,
        anchors=rest.anchors @ across,
    )
