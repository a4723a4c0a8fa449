"""A robot's limbs, found in its model: which chains are legs and arms, where they bend.

Nothing here knows a robot. Limbs are pairs of chains that mirror each other: the pair that
reaches lowest are legs, the longest other one arms. A knee or elbow is the hinge farthest from
both ends of its chain that does not turn the chain about itself. Hips, shoulders, ankles and
wrists are the points nearest to the axes of all joints that make them up. Which way is ahead is
told by feet, or else by which way knees bend; names are only asked where neither tells.
"""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.errors import RetargetError
from mocap.retarget.kinematics import Posed, at_rest
from mocap.retarget.robot import Robot
from mocap.retarget.surface import Hull, hulls

#: How level, and how alike, the two of a pair are, metres.
_ALIKE = 0.03
#: Cosine between an axis and its chain above which the joint twists.
_TWIST = 0.75
#: Joints of a wrist or an ankle, at most.
_WRIST = 3
#: Least reach of arms, as a share of the legs'.
_ARM = 0.3
#: Names of what grips, which is no wrist.
_GRIPS = ("gripper", "finger", "thumb", "grasp", "claw")


@dataclass(frozen=True)
class Limb:
    """A leg or an arm at rest, the model's world, metres.

    Attributes:
        joints: from trunk to end, those that can move.
        bend: position among ``joints`` of the knee or elbow.
        bodies: of upper part, lower part and end.
        points: (4, 3) hip or shoulder, knee or elbow, ankle or wrist, and the farthest tip.
    """

    joints: tuple[int, ...]
    bend: int
    bodies: tuple[int, int, int]
    points: Float[np.ndarray, "4 3"]


@dataclass(frozen=True)
class Build:
    """How a robot is built.

    Attributes:
        axes: (3, 3) columns: left, up and ahead in the model's world at rest.
        legs: left and right.
        arms: left and right; None where there are none.
        pelvis: the body that carries the legs.
        chest: the body that carries the arms; the pelvis, or the body farthest up, without.
        head: the body on the neck; None where no neck moves.
        rest: the robot at rest.
        hulls: of each body.
    """

    axes: Float[np.ndarray, "3 3"]
    legs: tuple[Limb, Limb]
    arms: tuple[Limb, Limb] | None
    pelvis: int
    chest: int
    head: int | None
    rest: Posed
    hulls: tuple[Hull, ...]


class Tree:
    """The bodies that move, and what is rigidly fixed to each."""

    def __init__(self, robot: Robot) -> None:
        self.robot, self.rest = robot, at_rest(robot)
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


def build_of(robot: Robot) -> Build:
    """How a robot is built.

    Raises:
        RetargetError: it has no two legs with knees.
    """
    tree = Tree(robot)
    pairs = _pairs(tree)
    if not pairs:
        raise RetargetError(
            f"{robot.path}: no pair of limbs mirror each other at rest; a humanoid needs two legs"
        )
    lowest = {pair: min(tree.points(b)[:, 2].min() for b in tree.below(pair[0])) for pair in pairs}
    reach = {pair: tree.reach(pair[0]) for pair in pairs}
    long = [pair for pair in pairs if reach[pair] > 0.5 * max(reach.values())]
    legs = min(long, key=lambda pair: lowest[pair])
    taken = {*tree.below(legs[0]), *tree.below(legs[1])}
    others = [p for p in pairs if not taken & set(p) and reach[p] > _ARM * reach[legs]]
    arms = max(others, key=lambda pair: reach[pair], default=None)
    up = np.array([0.0, 0.0, 1.0])
    limbs = [_limb(tree, body, leg=True) for body in legs]
    across = tree.anchor(legs[0]) - tree.anchor(legs[1])
    across = across - (across @ up) * up
    ahead = _ahead(tree, limbs, np.cross(across / np.linalg.norm(across), up))
    left = np.cross(up, ahead)
    order = sorted((0, 1), key=lambda i: -float(tree.anchor(legs[i]) @ left))
    both = (limbs[order[0]], limbs[order[1]])
    pelvis = tree.above[legs[0]]
    chest, upper = _topmost(tree, taken), None
    if arms is not None:
        sides = sorted(arms, key=lambda body: -float(tree.anchor(body) @ left))
        upper = (_limb(tree, sides[0], leg=False), _limb(tree, sides[1], leg=False))
        taken |= {*tree.below(arms[0]), *tree.below(arms[1])}
        chest = tree.above[arms[0]]
    return Build(
        axes=np.stack([left, up, ahead], 1),
        legs=both,
        arms=upper,
        pelvis=pelvis,
        chest=chest,
        head=_head(tree, chest, taken),
        rest=tree.rest,
        hulls=tree.hulls,
    )


def _pairs(tree: Tree) -> list[tuple[int, int]]:
    """Moving bodies of one parent whose chains mirror each other."""
    found = []
    for parent in tree.moving:
        children = tree.children(parent)
        for i, a in enumerate(children):
            for b in children[i + 1 :]:
                apart = tree.anchor(a) - tree.anchor(b)
                level = abs(apart[2]) < _ALIKE < np.hypot(*apart[:2])
                same = len(tree.below(a)) == len(tree.below(b))
                if level and same and abs(tree.reach(a) - tree.reach(b)) < _ALIKE:
                    found.append((a, b))
    return found


def _limb(tree: Tree, start: int, *, leg: bool) -> Limb:
    robot, rest = tree.robot, tree.rest
    chain = [start]
    while len(onward := tree.children(chain[-1])) == 1:
        chain.append(onward[0])
    joints = [j for b in chain for j in robot.joints_of(b) if not robot.locked[j]]
    joints = [j for j in joints if leg or not _grips(robot, j)]
    last = tree.carrier[robot.joint_body[joints[-1]]]
    anchors = rest.anchors[joints, 0]
    points = tree.points(last)
    if leg:
        tip = points[np.argmin(points[:, 2])]
    else:
        tip = points[np.argmax(np.linalg.norm(points - anchors[-1], axis=1))]
    bend = _bend(tree, joints, np.vstack([anchors, tip]), leg)
    joints = joints[: bend + 1 + _WRIST]
    end = tree.carrier[robot.joint_body[joints[-1]]]
    root = _crossing(tree, joints[:bend])
    wrist = _crossing(tree, joints[bend + 1 :]) if len(joints) > bend + 1 else tip
    middle = _on_axis(tree, joints[bend], wrist if leg else 0.5 * (root + wrist))
    if leg:
        # Hips whose axes miss each other would make legs that hang straight slant.
        across = tree.rest.axes[joints[bend], 0]
        root = root + ((middle - root) @ across) * across
    lower = robot.joint_body[joints[bend]]
    upper = robot.joint_body[joints[bend - 1]]
    bodies = (int(upper), int(lower), int(end))
    return Limb(tuple(joints), bend, bodies, np.stack([root, middle, wrist, tip]))


def _grips(robot: Robot, joint: int) -> bool:
    name = robot.joints[joint].lower()
    return any(word in name for word in _GRIPS)


def _bend(tree: Tree, joints: list[int], stops: np.ndarray, leg: bool) -> int:
    """Position of the knee or elbow: far from both ends, and no twist."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(stops, axis=0), axis=1))])
    scores = np.zeros(len(joints))
    for row, joint in enumerate(joints):
        onward = next((stop for stop in stops[row + 1 :] if _apart(stop, stops[row])), stops[-1])
        way = onward - stops[row]
        twist = abs(way @ tree.rest.axes[joint, 0]) > _TWIST * np.linalg.norm(way)
        if row and not twist:
            scores[row] = min(lengths[row], lengths[-1] - lengths[row])
    if scores.max() <= 0:
        limb = "leg" if leg else "arm"
        raise RetargetError(
            f"{tree.robot.path}: the {limb} of {tree.robot.joints[joints[0]]} has no joint that "
            "bends it in the middle; free that joint in the model"
        )
    return int(np.argmax(scores))


def _apart(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.linalg.norm(a - b) > 0.01)


def _crossing(tree: Tree, joints: list[int]) -> np.ndarray:
    """The point nearest to the axes of some joints."""
    axes, anchors = tree.rest.axes[joints, 0], tree.rest.anchors[joints, 0]
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    # A single axis, or parallel ones, leave the place along them to the anchors.
    weak = 1e-3 * np.eye(3) * len(joints)
    right = np.einsum("jab,jb->a", across, anchors) + weak @ anchors.mean(0)
    return np.linalg.solve(across.sum(0) + weak, right)


def _on_axis(tree: Tree, joint: int, near: np.ndarray) -> np.ndarray:
    axis, anchor = tree.rest.axes[joint, 0], tree.rest.anchors[joint, 0]
    return anchor + ((near - anchor) @ axis) * axis


def _ahead(tree: Tree, legs: list[Limb], guess: np.ndarray) -> np.ndarray:
    """Which of two horizontal ways is ahead: where feet are longer, knees point, names agree."""
    votes = 0.0
    for leg, other in zip(legs, reversed(legs), strict=True):
        points = tree.points(tree.carrier[leg.bodies[2]]) - leg.points[2]
        low = points[points[:, 2] < points[:, 2].min() + 0.03] @ guess
        votes += (low.max() + low.min()) / max(np.ptp(low), 0.02)
        joint = leg.joints[leg.bend]
        low_end, high_end = tree.robot.low[joint], tree.robot.high[joint]
        if np.isfinite(low_end + high_end) and abs(low_end + high_end) > 0.3:
            sweep = np.cross(tree.rest.axes[joint, 0], leg.points[2] - leg.points[1])
            votes -= np.sign((low_end + high_end) * float(sweep @ guess))
        left = np.cross([0.0, 0.0, 1.0], guess)
        votes += _said(tree, leg) * np.sign((leg.points[1] - other.points[1]) @ left)
    return guess if votes >= 0 else -guess


def _said(tree: Tree, limb: Limb) -> int:
    """1 where a limb's names say left, -1 for right, 0 where they do not tell."""
    names = [tree.robot.joints[j].lower() for j in limb.joints]
    left = all(re.search(r"left|^l_|_l_|_l$|^l[a-z]", name) for name in names)
    right = all(re.search(r"right|^r_|_r_|_r$|^r[a-z]", name) for name in names)
    return int(left) - int(right)


def _topmost(tree: Tree, taken: set[int]) -> int:
    rest = [b for b in tree.moving if b not in taken]
    return max(rest, key=lambda b: float(tree.rest.places[b, 0, 2]))


def _head(tree: Tree, chest: int, taken: set[int]) -> int | None:
    """The end of the chain that rises highest from the chest."""
    necks = [b for b in tree.children(chest) if b not in taken]
    if not necks:
        return None
    chain = [max(necks, key=lambda b: float(tree.points(b)[:, 2].max()))]
    while len(onward := tree.children(chain[-1])) == 1:
        chain.append(onward[0])
    end = chain[-1]
    higher = tree.points(end)[:, 2].max() > tree.anchor(chain[0])[2] + 0.03
    return end if higher else None
