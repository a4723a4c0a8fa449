"""A robot's build, found in its model: which chains are legs and arms, which way is ahead.

Nothing here knows a robot. Limbs are pairs of chains that mirror each other: the pair that
reaches lowest are legs, the longest other one arms. Which way is ahead is told by feet, or else by
which way knees bend; names have a vote. Up is +Z, unless the robot lies in
its model.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mocap.errors import RetargetError
from mocap.retarget.chains import Limb, limb_of, mirrored_pairs
from mocap.retarget.kinematics import Posed
from mocap.retarget.robot import Robot
from mocap.retarget.surface import Hull
from mocap.retarget.tree import Tree

#: Least reach of arms, as a share of the legs'.
_ARM = 0.3
#: How far a trunk reaches below the hips, at most, as a share of the legs' reach.
_TRUNK = 0.35
#: Cosine of how far legs may slant that hang.
_HANGING = 0.6
#: What makers call legs and arms, and what is on them.
_LEG_NAMES = r"leg|hip|thigh|knee|ankle|shank|calf|foot|feet"
_ARM_NAMES = r"arm|shoulder|elbow|wrist|hand|finger|gripper"
#: What else of a model's world may be up.
_OTHER_UPS = {
    (1.0, 0.0, 0.0): "+X",
    (-1.0, 0.0, 0.0): "-X",
    (0.0, 1.0, 0.0): "+Y",
    (0.0, -1.0, 0.0): "-Y",
    (0.0, 0.0, -1.0): "-Z",
}


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
        notes: what was taken for granted.
    """

    axes: Float[np.ndarray, "3 3"]
    legs: tuple[Limb, Limb]
    arms: tuple[Limb, Limb] | None
    pelvis: int
    chest: int
    head: int | None
    rest: Posed
    hulls: tuple[Hull, ...]
    notes: tuple[str, ...] = ()


def build_of(robot: Robot) -> Build:
    """How a robot is built. One that does not stand in its model is stood up.

    Raises:
        RetargetError: it has no two legs with knees, or more than two.
    """
    try:
        build, refusal = _build(Tree(robot)), None
    except RetargetError as refused:
        build, refusal = None, refused
    if build is not None and _stands(build):
        return build
    for up, said in _OTHER_UPS.items():
        try:
            other = _build(Tree(robot, up))
        except RetargetError:
            continue
        if other.arms is not None and _stands(other):
            note = f"it does not stand in its model: {said} of it is taken for up"
            return replace(other, notes=(*other.notes, note))
    if build is None:
        assert refusal is not None
        raise refusal
    return build


def _stands(build: Build) -> bool:
    """Whether legs hang, and arms, where there are any, are above them."""
    hips = np.mean([leg.points[0] for leg in build.legs], axis=0)
    for leg in build.legs:
        way = leg.points[2] - leg.points[0]
        if way[2] > -_HANGING * np.linalg.norm(way):
            return False
    if build.arms is None:
        return True
    way = np.mean([arm.points[0] for arm in build.arms], axis=0) - hips
    return bool(way[2] > _HANGING * np.linalg.norm(way))


def _build(tree: Tree) -> Build:
    robot = tree.robot
    pairs = mirrored_pairs(tree)
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
    _check_legs(tree, legs, lowest, reach)
    up = np.array([0.0, 0.0, 1.0])
    limbs = [limb_of(tree, body, leg=True) for body in legs]
    across = tree.anchor(legs[0]) - tree.anchor(legs[1])
    across = across - (across @ up) * up
    ahead = _ahead(tree, limbs, np.cross(across / np.linalg.norm(across), up))
    left = np.cross(up, ahead)
    order = sorted((0, 1), key=lambda i: -float(tree.anchor(legs[i]) @ left))
    both = (limbs[order[0]], limbs[order[1]])
    pelvis = tree.above[legs[0]]
    chest, upper = _topmost(tree, taken), None
    notes: tuple[str, ...] = ()
    if arms is not None:
        sides = sorted(arms, key=lambda body: -float(tree.anchor(body) @ left))
        try:
            upper = (limb_of(tree, sides[0], leg=False), limb_of(tree, sides[1], leg=False))
        except RetargetError as refused:
            notes = (f"arms stay where they are: {str(refused).removeprefix(f'{robot.path}: ')}",)
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
        notes=notes,
    )


def _check_legs(
    tree: Tree,
    legs: tuple[int, int],
    lowest: dict[tuple[int, int], float],
    reach: dict[tuple[int, int], float],
) -> None:
    """Refuse what stands on more than two legs, or on none."""
    beyond = {*tree.below(legs[0]), *tree.below(legs[1])}
    for pair, level in lowest.items():
        apart = not beyond & {*tree.below(pair[0]), *tree.below(pair[1])}
        if apart and reach[pair] > 0.5 * reach[legs] and level < lowest[legs] + 0.1 * reach[legs]:
            raise RetargetError(
                f"{tree.robot.path}: stands on more than two legs; only humanoids follow people"
            )
    limbs = {body for pair in lowest for one in pair for body in tree.below(one)}
    trunk = min(tree.points(body)[:, 2].min() for body in tree.moving if body not in limbs)
    low = trunk < tree.anchor(legs[0])[2] - _TRUNK * reach[legs]
    called = _called(tree, beyond)
    if called < 0 or (low and not called):
        raise RetargetError(
            f"{tree.robot.path}: has no two legs: what looks like them, from "
            f"{tree.robot.bodies[legs[0]]} on, hangs beside the trunk, as arms do"
        )


def _called(tree: Tree, bodies: set[int]) -> int:
    """1 where names speak of legs, -1 of arms, 0 where they do not tell."""
    joints = [tree.robot.joints[j] for body in bodies for j in tree.robot.joints_of(body)]
    names = " ".join([*joints, *(tree.robot.bodies[body] for body in bodies)]).lower()
    return int(bool(re.search(_LEG_NAMES, names))) - int(bool(re.search(_ARM_NAMES, names)))


def _ahead(tree: Tree, legs: list[Limb], guess: np.ndarray) -> np.ndarray:
    """Which of two horizontal ways is ahead: where feet are longer, knees point, names agree."""
    votes = 0.0
    for leg, other in zip(legs, reversed(legs), strict=True):
        points = tree.points(tree.carrier[leg.bodies[2]]) - leg.points[2]
        low = points[points[:, 2] < points[:, 2].min() + 0.03] @ guess
        votes += (low.max() + low.min()) / max(np.ptp(low), 0.02)
        joint = leg.joints[leg.bend]
        low_end, high_end = tree.robot.low[joint], tree.robot.high[joint]
        if np.isfinite([low_end, high_end]).all() and abs(low_end + high_end) > 0.3:
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
