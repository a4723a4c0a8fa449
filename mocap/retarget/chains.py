"""Chains of a robot's bodies: which mirror each other, and where a leg or an arm bends.

A knee or elbow is the hinge farthest from both ends of its chain that does not turn the chain
about itself. Hips, shoulders, ankles and wrists are the points nearest to the axes of all joints
that make them up.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.errors import RetargetError
from mocap.retarget.robot import Robot
from mocap.retarget.tree import Tree

#: How level, and how alike, the two of a pair are, metres.
_ALIKE = 0.03
#: Cosine between an axis and its chain above which the joint twists.
_TWIST = 0.75
#: How far from both ends a knee or elbow is at least, as a share of the chain.
_MIDDLE = 0.15
#: Joints of a wrist or an ankle, at most.
_WRIST = 3
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


def mirrored_pairs(tree: Tree) -> list[tuple[int, int]]:
    """Moving bodies of one parent whose chains mirror each other."""
    found = []
    for parent in tree.moving:
        children = tree.children(parent)
        for i, a in enumerate(children):
            for b in children[i + 1 :]:
                apart = tree.anchor(a) - tree.anchor(b)
                level = abs(apart[2]) < _ALIKE < np.hypot(*apart[:2])
                # One side may have a joint locked, or carry a camera.
                same = len(tree.below(a)) == len(tree.below(b)) or tree.size(a) == tree.size(b)
                if level and same and abs(tree.reach(a) - tree.reach(b)) < _ALIKE:
                    found.append((a, b))
    return found


def limb_of(tree: Tree, start: int, *, leg: bool) -> Limb:
    """The leg or arm that begins with a body.

    Raises:
        RetargetError: nothing in it bends.
    """
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
    if scores.max() <= _MIDDLE * lengths[-1]:
        limb = "leg" if leg else "arm"
        raise RetargetError(
            f"{tree.robot.path}: the {limb} of {tree.robot.joints[joints[0]]} has no joint that "
            "bends it in the middle; free that joint in the model, or give its last link a shape"
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
