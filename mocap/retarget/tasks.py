"""What a robot has to do: its unknowns, which of them move what, and limbs' paces.

Unknowns of a frame are the base's place, a turn of it about the world's axes, and the joints that
move.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mocap.retarget.correspondence import SIDES, Correspondence
from mocap.retarget.footprints import FLAT, FREE
from mocap.retarget.kinematics import Posed
from mocap.retarget.robot import Robot
from mocap.retarget.targets import Targets, sole_edges

#: Speeds of joints that are jumps, rad/s, and as a share of the person's own pace.
JUMP, OF_PACE = np.radians(10.0) * 30.0, 1.5
#: Joints that a leg takes to put a foot down in any place and any way.
_WHOLE_LEG = 6


@dataclass(frozen=True)
class Group:
    """Parts that the same chain of joints moves.

    Attributes:
        joints: (C,) that chain.
        parts: names of segments and bearings.
    """

    joints: Int[np.ndarray, " chain"]
    parts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Tasks:
    """All that a robot has to do.

    Attributes:
        robot: whose.
        found: what of it is what of the person.
        targets: where parts are to be.
        moving: (A,) the joints that are unknowns.
        moves: (B, n) whether an unknown moves a body; the base's six come first.
        groups: parts by chain.
    """

    robot: Robot
    found: Correspondence
    targets: Targets
    moving: Int[np.ndarray, " moving"]
    moves: Bool[np.ndarray, "bodies unknowns"]
    groups: tuple[Group, ...]

    @property
    def size(self) -> int:
        """Unknowns of a frame."""
        return 6 + len(self.moving)


def tasks_of(robot: Robot, found: Correspondence, targets: Targets) -> Tasks:
    """Everything that a robot has to do."""
    moving = np.array(sorted(robot.joints.index(name) for name in found.joints))
    moves = np.ones((len(robot.bodies), 6 + len(moving)), bool)
    for body in range(len(robot.bodies)):
        moves[body, 6:] = np.isin(moving, robot.joints_to(body))
    kinds = [["pelvis"], ["chest", "head"]]
    for side in SIDES:
        kinds.append([f"{side}_{part}" for part in ("thigh", "shank", "foot")])
        kinds.append([f"{side}_{part}" for part in ("upper_arm", "forearm", "hand")])
    bodies = {name: segment.body for name, segment in found.segments.items()}
    bodies |= {name: bearing.body for name, bearing in found.bearings.items()}
    groups = []
    for names in kinds:
        parts = tuple(name for name in names if name in bodies)
        if parts:
            moved = moves[[robot.bodies.index(bodies[name]) for name in parts], 6:]
            groups.append(Group(moving[max(moved, key=np.sum)], parts))
    return Tasks(robot, found, targets, moving, moves, tuple(groups))


def pace_of(tasks: Tasks) -> Float[np.ndarray, "frames moving"]:
    """How fast the person turns the limb that each moving joint is of, rad/s."""
    found = np.zeros((len(tasks.targets), len(tasks.moving)))
    # Limbs after the trunk: theirs is what counts for joints of both.
    for group in sorted(tasks.groups, key=lambda group: len(group.joints)):
        own = np.max([tasks.targets.pace[name] for name in group.parts], axis=0)
        places = np.searchsorted(tasks.moving, group.joints)
        fresh = [p for p in places if not found[:, p].any()]
        found[:, fresh] = own[:, None]
    return found


def foot_corners(tasks: Tasks, side: str) -> Float[np.ndarray, "frames 3"]:
    """The point of a foot that its path is told of, in the foot's axes, metres."""
    rests = tasks.targets.feet[side].rests
    return sole_edges(tasks.found, side)[1][np.where(rests == FREE, FLAT, rests)]


def foot_points(tasks: Tasks, side: str, posed: Posed) -> Float[np.ndarray, "frames 3"]:
    """Where that point is, world metres."""
    body = tasks.robot.bodies.index(tasks.found.soles[side].body)
    corners = foot_corners(tasks, side)
    return posed.places[body] + np.einsum("fab,fb->fa", posed.turns[body], corners)


def steers(tasks: Tasks, side: str) -> bool:
    """Whether a leg has the joints to put its foot down in any place and any way."""
    found, bodies = tasks.found, tasks.robot.bodies
    pelvis, foot = (found.bearings[name].body for name in ("pelvis", f"{side}_foot"))
    own = tasks.moves[bodies.index(foot)] & ~tasks.moves[bodies.index(pelvis)]
    return int(own.sum()) >= _WHOLE_LEG
