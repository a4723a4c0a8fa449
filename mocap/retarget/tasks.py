"""What the pose is pulled to: residuals of a robot's parts and their derivatives, frame by frame.

Unknowns of a frame are the base's place, a turn of it about the world's axes, and the joints that
move. Parts are taken together by the chain of joints that moves them: what a leg does depends on
nothing that an arm does.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mocap.retarget.correspondence import SIDES, Correspondence
from mocap.retarget.footprints import FLAT, FREE, Path
from mocap.retarget.kinematics import Posed
from mocap.retarget.robot import Robot
from mocap.retarget.targets import LEVEL_FOOT, Targets, sole_edges

#: How far the pelvis may stray from its place, metres.
_PELVIS = 0.03
#: How far a foot may: in the air, and while it rests.
_SWING, _HELD = 0.015, 0.0004
#: How far the turn of a resting foot may stray about its long axis and about the upright, and
#: about the edge that it stands on, radians.
_LEVEL, _EDGE = 0.01, 0.1
#: Joints that a leg takes to put a foot down in any place and any way. Where feet point on legs
#: with fewer is less firm, and so is their tilt, radians; and their height, metres.
_WHOLE_LEG, _UNSTEERED, _TILTED, _TILTED_HELD = 6, 0.3, 0.1, 0.003


@dataclass(frozen=True)
class Group:
    """Parts that the same chain of joints moves.

    Attributes:
        columns: (C,) unknowns that move them, the base's six first.
        joints: (C - 6,) the joints among them.
        segments: names of segments.
        bearings: names of bearings.
        foot: the side of a foot, or None.
    """

    columns: Int[np.ndarray, " columns"]
    joints: Int[np.ndarray, " chain"]
    segments: tuple[str, ...]
    bearings: tuple[str, ...]
    foot: str | None


@dataclass(frozen=True, eq=False)
class Tasks:
    """All that pulls at the pose.

    Attributes:
        robot: whose.
        found: what of it is what of the person.
        targets: where parts are to be.
        moving: (A,) the joints that are unknowns.
        groups: parts by chain.
    """

    robot: Robot
    found: Correspondence
    targets: Targets
    moving: Int[np.ndarray, " moving"]
    groups: tuple[Group, ...]

    @property
    def size(self) -> int:
        """Unknowns of a frame."""
        return 6 + len(self.moving)

    def columns_of(self, body: int) -> tuple[np.ndarray, np.ndarray]:
        """The unknowns that move a body, and the joints among them."""
        chain = [j for j in self.robot.joints_to(body) if j in self.moving]
        places = np.searchsorted(self.moving, chain)
        return np.concatenate([np.arange(6), 6 + places]), np.array(chain, int)


def tasks_of(robot: Robot, found: Correspondence, targets: Targets) -> Tasks:
    """Everything that pulls at a robot's pose."""
    moving = np.array(sorted(robot.joints.index(name) for name in found.joints))
    bare = Tasks(robot, found, targets, moving, ())
    parts: dict[tuple[str, ...], list[str]] = {
        ("pelvis",): ["pelvis"],
        ("chest", "head"): ["chest", "head"],
    }
    for side in SIDES:
        parts[side, "leg"] = [f"{side}_{part}" for part in ("thigh", "shank", "foot")]
        parts[side, "arm"] = [f"{side}_{part}" for part in ("upper_arm", "forearm", "hand")]
    groups = []
    for key, names in parts.items():
        segments = tuple(name for name in names if name in found.segments)
        bearings = tuple(name for name in names if name in found.bearings and "foot" not in name)
        foot = key[0] if key[-1] == "leg" else None
        bodies = [found.segments[name].body for name in segments]
        bodies += [found.bearings[name].body for name in bearings]
        if foot is not None:
            bodies.append(found.bearings[f"{foot}_foot"].body)
        if bodies:
            chains = [bare.columns_of(robot.bodies.index(body)) for body in bodies]
            columns, joints = max(chains, key=lambda chain: len(chain[0]))
            groups.append(Group(columns, joints, segments, bearings, foot))
    return Tasks(robot, found, targets, moving, tuple(groups))


def pace_of(tasks: Tasks) -> Float[np.ndarray, "frames moving"]:
    """How fast the person turns the limb that each moving joint is of, rad/s."""
    found = np.zeros((len(tasks.targets), len(tasks.moving)))
    # Limbs after the trunk: theirs is what counts for joints of both.
    for group in sorted(tasks.groups, key=lambda group: len(group.joints)):
        names = [*group.segments, *group.bearings]
        names += [f"{group.foot}_foot"] if group.foot else []
        own = np.max([tasks.targets.pace[name] for name in names], axis=0)
        places = np.searchsorted(tasks.moving, group.joints)
        fresh = [p for p in places if not found[:, p].any()]
        found[:, fresh] = own[:, None]
    return found


def residuals(
    tasks: Tasks, group: Group, posed: Posed, derive: bool
) -> tuple[Float[np.ndarray, "frames rows"], Float[np.ndarray, "frames rows columns"] | None]:
    """A group's residuals in units of their tolerances, and their derivatives if wanted."""
    values, slopes = [], []
    robot, found, targets = tasks.robot, tasks.found, tasks.targets
    for name in group.segments:
        segment = found.segments[name]
        body = robot.bodies.index(segment.body)
        now = posed.vector(body, (segment.end - segment.start) / segment.length)
        weight = 1.0 / (segment.tolerance * targets.doubt[name])[:, None]
        values.append((now - targets.directions[name]) * weight)
        if derive:
            slope = _turning(tasks, group, posed, body, now)
            slopes.append(slope * weight[..., None])
    for name in group.bearings:
        bearing = found.bearings[name]
        body = robot.bodies.index(bearing.body)
        weight = 1.0 / (bearing.tolerance * targets.doubt[name])[:, None]
        off, slope = _turn_off(tasks, group, posed, body, targets.turns[name], derive)
        values.append(off * weight)
        if derive:
            slopes.append(slope * weight[..., None])
        if name == "pelvis":
            now = posed.point(body, bearing.point)
            weight = 1.0 / (_PELVIS * targets.doubt[name])[:, None]
            values.append((now - targets.pelvis) * weight)
            if derive:
                slopes.append(_moving(tasks, group, posed, body, now) * weight[..., None])
    if group.foot is not None:
        _foot(tasks, group, posed, values, slopes, derive)
    value = np.concatenate(values, 1)
    return value, np.concatenate(slopes, 1) if derive else None


def foot_points(tasks: Tasks, side: str, posed: Posed) -> Float[np.ndarray, "frames 3"]:
    """Where the point of a foot is that its path is told of."""
    path = tasks.targets.feet[side]
    body = tasks.robot.bodies.index(tasks.found.soles[side].body)
    local = sole_edges(tasks.found, side)[1][np.where(path.rests == FREE, FLAT, path.rests)]
    return posed.places[body] + np.einsum("fab,fb->fa", posed.turns[body], local)


def _foot(
    tasks: Tasks,
    group: Group,
    posed: Posed,
    values: list[np.ndarray],
    slopes: list[np.ndarray],
    derive: bool,
) -> None:
    """A foot's place and turn: firm where it rests, and as its edge allows."""
    side = group.foot
    assert side is not None
    path, bearing = tasks.targets.feet[side], tasks.found.bearings[f"{side}_foot"]
    doubt = tasks.targets.doubt[f"{side}_foot"]
    body = tasks.robot.bodies.index(bearing.body)
    now = foot_points(tasks, side, posed)
    loose = _SWING * doubt
    whole = steers(tasks, side)
    firm = (path.rests != FREE) & ~path.tips
    place = 1.0 / np.where(firm & path.pinned, _HELD, loose)
    weights = np.repeat(place[:, None], 3, 1)
    weights[firm, 2] = 1.0 / (_HELD if whole else _TILTED_HELD)
    values.append((now - path.places) * weights)
    wanted = path.turns @ (bearing.turn @ LEVEL_FOOT).T
    off, slope = _turn_off(tasks, group, posed, body, wanted, derive)
    # In the foot's own axes: x is the long one, y the edges', z upright.
    weights_of_turn = _turn_weights(path, bearing.tolerance * doubt, whole)
    axes = np.swapaxes(path.turns, 1, 2) * weights_of_turn[..., None]
    values.append((axes @ off[..., None])[..., 0])
    if derive:
        slopes.append(_moving(tasks, group, posed, body, now) * weights[..., None])
        slopes.append(axes @ slope)


def steers(tasks: Tasks, side: str) -> bool:
    """Whether a leg has the joints to put its foot down in any place and any way."""
    chains = []
    for name in ("pelvis", f"{side}_foot"):
        body = tasks.robot.bodies.index(tasks.found.bearings[name].body)
        chains.append(set(tasks.columns_of(body)[1].tolist()))
    return len(chains[1] - chains[0]) >= _WHOLE_LEG


def _turn_weights(path: Path, loose: np.ndarray, whole: bool) -> Float[np.ndarray, "frames 3"]:
    weights = np.repeat(1.0 / loose[:, None], 3, 1)
    standing = (path.rests != FREE) & ~path.tips
    weights[standing] = 1.0 / _LEVEL
    weights[standing & (path.rests != FLAT), 1] = 1.0 / _EDGE
    weights[standing & (path.pivots | ~path.pinned), 2] = 1.0 / _EDGE
    if not whole:
        weights[standing, 0], weights[standing, 2] = 1.0 / _TILTED, 1.0 / _UNSTEERED
    return weights


def _turning(
    tasks: Tasks, group: Group, posed: Posed, body: int, vector: np.ndarray
) -> Float[np.ndarray, "frames 3 columns"]:
    """How a direction that rides on a body moves with the group's unknowns."""
    slope = np.zeros((len(vector), 3, len(group.columns)))
    slope[:, :, 3:6] = -_skews(vector)
    for at, joint in _above(tasks, group, body):
        if not tasks.robot.slides[joint]:
            slope[:, :, at] = _cross(posed.axes[joint], vector)
    return slope


def _moving(
    tasks: Tasks, group: Group, posed: Posed, body: int, point: np.ndarray
) -> Float[np.ndarray, "frames 3 columns"]:
    """How a point that rides on a body moves with the group's unknowns."""
    slope = np.zeros((len(point), 3, len(group.columns)))
    slope[:, :, :3] = np.eye(3)
    slope[:, :, 3:6] = -_skews(point - posed.places[0])
    for at, joint in _above(tasks, group, body):
        axis = posed.axes[joint]
        slides = tasks.robot.slides[joint]
        slope[:, :, at] = axis if slides else _cross(axis, point - posed.anchors[joint])
    return slope


def _turn_off(
    tasks: Tasks, group: Group, posed: Posed, body: int, wanted: np.ndarray, derive: bool
) -> tuple[Float[np.ndarray, "frames 3"], Float[np.ndarray, "frames 3 columns"]]:
    """By which rotation vector a body is off, world axes, and how that changes."""
    off = _rotation_vectors(posed.turns[body] @ np.swapaxes(wanted, 1, 2))
    slope = np.zeros((len(off), 3, len(group.columns) if derive else 0))
    if derive:
        slope[:, :, 3:6] = np.eye(3)
        for at, joint in _above(tasks, group, body):
            if not tasks.robot.slides[joint]:
                slope[:, :, at] = posed.axes[joint]
    return off, slope


def _above(tasks: Tasks, group: Group, body: int) -> list[tuple[int, int]]:
    """Columns and joints of the group that move a body."""
    chain = set(tasks.robot.joints_to(body))
    return [(6 + row, int(j)) for row, j in enumerate(group.joints) if int(j) in chain]


def _rotation_vectors(turns: np.ndarray) -> Float[np.ndarray, "frames 3"]:
    """Axis-angle of rotation matrices; fast, and exact enough up to half a turn."""
    odd = np.stack(
        [
            turns[:, 2, 1] - turns[:, 1, 2],
            turns[:, 0, 2] - turns[:, 2, 0],
            turns[:, 1, 0] - turns[:, 0, 1],
        ],
        1,
    )
    sine = 0.5 * np.linalg.norm(odd, axis=1)
    cosine = 0.5 * (np.trace(turns, axis1=1, axis2=2) - 1.0)
    angle = np.arctan2(sine, cosine)
    share = np.where(sine > 1e-6, 0.5 * angle / np.maximum(sine, 1e-6), 0.5)
    return odd * np.minimum(share, 50.0)[:, None]


def _skews(vectors: np.ndarray) -> Float[np.ndarray, "frames 3 3"]:
    """Matrices that take the cross product with vectors: ``_skews(a) @ b = a x b``."""
    x, y, z = vectors.T
    none = np.zeros_like(x)
    return np.stack([none, -z, y, z, none, -x, -y, x, none], 1).reshape(-1, 3, 3)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    ax, ay, az = a[:, 0], a[:, 1], a[:, 2]
    bx, by, bz = b[:, 0], b[:, 1], b[:, 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], 1)
