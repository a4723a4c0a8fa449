"""What of a robot is what of a person: worked out from the model, kept where people can edit it.

The person's axes are those of somebody who stands upright: x left, y up, z ahead (SMPL-X's rest
pose). Points and axes of the robot are in its bodies' axes, metres.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from mocap.retarget.chains import Limb
from mocap.retarget.limbs import Build, build_of
from mocap.retarget.robot import Robot

#: How far each part may stray, radians: the weights of the pose.
_SEGMENTS = {"thigh": 0.25, "shank": 0.25, "upper_arm": 0.12, "forearm": 0.12}
_BEARINGS = {"pelvis": 0.12, "chest": 0.12, "head": 0.3, "foot": 0.15, "hand": 0.5}
#: Feet without a shape, as shares of the leg: sole below the ankle, heel, toe, half the width.
_BARE_FOOT = (0.06, -0.07, 0.18, 0.05)
#: How thick the sole's rim is, metres: points so near the lowest are of the sole.
_RIM = 0.012
#: Soles shorter than this share of the leg are no soles.
_STUB = 0.08
#: Legs between these are those of robots, metres.
_SHORTEST, _LONGEST = 0.08, 4.0
SIDES = ("left", "right")


@dataclass(frozen=True)
class Segment:
    """A bone: the line between two points that ride on one body.

    Attributes:
        body: the robot's.
        start: (3,) the end nearer to the trunk.
        end: (3,) the other.
        tolerance: how far its direction may stray, radians.
    """

    body: str
    start: Float[np.ndarray, "3"]
    end: Float[np.ndarray, "3"]
    tolerance: float

    @property
    def length(self) -> float:
        """Metres."""
        return float(np.linalg.norm(self.end - self.start))


@dataclass(frozen=True)
class Bearing:
    """A part whose whole orientation is followed.

    Attributes:
        body: the robot's.
        point: (3,) its middle: of the hips, for the pelvis; of the ankle, for a foot.
        turn: (3, 3) from the upright person's axes to the body's.
        tolerance: how far it may stray, radians.
    """

    body: str
    point: Float[np.ndarray, "3"]
    turn: Float[np.ndarray, "3 3"]
    tolerance: float


@dataclass(frozen=True)
class Sole:
    """What of a foot rests: (4, 3) heel's left and right, toe's left and right; and the body."""

    body: str
    corners: Float[np.ndarray, "4 3"]


@dataclass(frozen=True)
class Limit:
    """What a joint may do, where that is less than the model says; None for what the model says.

    Attributes:
        low: least angle, radians, or metres of a slide.
        high: greatest.
        speed: greatest, per second; it takes the place of the model's.
        acceleration: greatest, per second squared; models state none.
    """

    low: float | None = None
    high: float | None = None
    speed: float | None = None
    acceleration: float | None = None


@dataclass(frozen=True)
class Correspondence:
    """What of a robot is what of a person.

    Attributes:
        robot: its name.
        segments: by the person's part: ``left_thigh``, ``left_shank``, ``left_upper_arm`` ...
        bearings: by the person's part: ``pelvis``, ``chest``, ``head``, ``left_foot`` ...
        soles: by side.
        hips: (3,) by side, in the axes of the pelvis's body.
        leg: from hip to sole with straight knees, metres.
        joints: those that move; the others stay where they rest.
        limits: what joints may do beyond what the model says of them.
        scale: the robot's world over the person's; None to let the legs tell.
        notes: what was guessed; no file has them.
    """

    robot: str
    segments: dict[str, Segment]
    bearings: dict[str, Bearing]
    soles: dict[str, Sole]
    hips: dict[str, Float[np.ndarray, "3"]]
    leg: float
    joints: tuple[str, ...]
    limits: dict[str, Limit] = field(default_factory=dict)
    scale: float | None = None
    notes: tuple[str, ...] = ()


def calmed(found: Correspondence, robot: Robot, acceleration: float) -> Correspondence:
    """With a greatest acceleration for every joint that has none yet, rad/s^2."""
    told = {name: found.limits.get(name, Limit()) for name in robot.joints}
    limits = {
        name: one if one.acceleration is not None else replace(one, acceleration=acceleration)
        for name, one in told.items()
    }
    return replace(found, limits=limits)


def correspondence_of(robot: Robot) -> Correspondence:
    """Work out what of a robot is what of a person.

    Raises:
        RetargetError: it is no humanoid.
    """
    build = build_of(robot)
    segments: dict[str, Segment] = {}
    bearings: dict[str, Bearing] = {}
    soles: dict[str, Sole] = {}
    hips = 0.5 * (build.legs[0].points[0] + build.legs[1].points[0])
    bearings["pelvis"] = _bearing(robot, build, build.pelvis, hips, build.axes, "pelvis")
    if build.chest != build.pelvis:
        place = build.rest.places[build.chest, 0]
        if build.arms is not None:
            place = 0.5 * (build.arms[0].points[0] + build.arms[1].points[0])
        bearings["chest"] = _bearing(robot, build, build.chest, place, build.axes, "chest")
    joints = {*robot.joints_to(build.pelvis), *robot.joints_to(build.chest)}
    if build.head is not None:
        place = build.rest.places[build.head, 0]
        bearings["head"] = _bearing(robot, build, build.head, place, build.axes, "head")
        joints |= {*robot.joints_to(build.head)}
    lengths, notes = [], list(build.notes)
    for side, leg in zip(SIDES, build.legs, strict=True):
        segments |= _segments(robot, build, leg, (f"{side}_thigh", f"{side}_shank"))
        sole, guessed = sole_of(robot, build, leg)
        soles[side] = sole
        if guessed:
            notes.append(
                f"{side} foot has no flat sole in the model: guessed from the leg's length"
            )
        at = leg.points[2]
        bearings[f"{side}_foot"] = _bearing(robot, build, leg.bodies[2], at, build.axes, "foot")
        drop = _world(build, leg.bodies[2], sole.corners)[:, 2].mean()
        bones = np.linalg.norm(np.diff(leg.points[:3], axis=0), axis=1).sum()
        lengths.append(bones + leg.points[2, 2] - drop)
        joints |= {*leg.joints}
    for side, arm in zip(SIDES, build.arms or (), strict=False):
        segments |= _segments(robot, build, arm, (f"{side}_upper_arm", f"{side}_forearm"))
        joints |= {*arm.joints}
        if arm.bodies[2] != arm.bodies[1]:
            axes = _hand_axes(build, arm, side)
            bearing = _bearing(robot, build, arm.bodies[2], arm.points[2], axes, "hand")
            bearings[f"{side}_hand"] = bearing
    moving = [j for j in range(len(robot.joints)) if j in joints and not robot.locked[j]]
    length = float(np.mean(lengths))
    if not _SHORTEST < length < _LONGEST:
        notes.append(f"its legs are {length:.3g} m long: is the model in metres?")
    return Correspondence(
        robot=robot.name,
        segments=segments,
        bearings=bearings,
        soles=soles,
        hips={
            side: _local(build, build.pelvis, leg.points[0])
            for side, leg in zip(SIDES, build.legs, strict=True)
        },
        leg=length,
        joints=tuple(robot.joints[j] for j in moving),
        notes=tuple(notes),
    )


def sole_of(robot: Robot, build: Build, leg: Limb) -> tuple[Sole, bool]:
    """The corners of a foot's sole, and whether they are guessed."""
    end, ankle = leg.bodies[2], leg.points[2]
    left, up, ahead = build.axes.T
    points = _foot_points(robot, build, end)
    length = float(np.linalg.norm(np.diff(leg.points[:3], axis=0), axis=1).sum())
    low = points[points @ up < (points @ up).min(initial=np.inf) + _RIM]
    guessed = len(low) < 3 or np.ptp(low @ ahead) < _STUB * length
    if guessed:
        down, heel, toe, half = (share * length for share in _BARE_FOOT)
        # Links fixed below the ankle often mark the sole.
        fixed = [
            float((ankle - build.rest.places[b, 0]) @ up) for b in _rigid(robot, end) if b != end
        ]
        down = max(fixed) if fixed and max(fixed) > 0.2 * down else down
        down = max(down, float(ankle @ up - (low @ up).min(initial=np.inf)))
        corners = [
            ankle - down * up + a * ahead + b * left for a in (heel, toe) for b in (half, -half)
        ]
    else:
        level = (low @ up).min()
        middle = 0.5 * ((low @ left).max() + (low @ left).min())
        corners = []
        for way in (-1.0, 1.0):
            # The outline, seen from above, is as wide at heel and toe as half-way there.
            edge = way * (way * (low @ ahead)).max()
            span = np.ptp(low @ ahead)
            there = low[np.abs(low @ ahead - edge) < 0.35 * span]
            for side in (1.0, -1.0):
                aside = side * (side * (there @ left - middle)).max() + middle
                corners.append(edge * ahead + aside * left + level * up)
    return Sole(robot.bodies[end], _local(build, end, np.array(corners))), guessed


def _foot_points(robot: Robot, build: Build, end: int) -> np.ndarray:
    """The foot's surface at rest: what collides, where anything does."""
    from mocap.retarget.surface import hulls

    found = [np.zeros((0, 3))]
    solid = hulls(robot)
    for body in _rigid(robot, end):
        hull = solid[body]
        if len(hull):
            found.append(_world(build, body, hull.points) - np.outer(hull.radii, [0, 0, 1.0]))
    return np.concatenate(found)


def _rigid(robot: Robot, end: int) -> list[int]:
    """A body and what is fixed to it."""
    found = [end]
    for body in range(end + 1, len(robot.bodies)):
        free = [j for j in robot.joints_of(body) if not robot.locked[j]]
        if robot.parents[body] in found and not free:
            found.append(body)
    return found


def _segments(robot: Robot, build: Build, limb: Limb, names: tuple[str, str]) -> dict[str, Segment]:
    found = {}
    for row, name in enumerate(names):
        body = limb.bodies[row]
        start, end = _local(build, body, limb.points[row : row + 2])
        tolerance = next(size for part, size in _SEGMENTS.items() if part in name)
        found[name] = Segment(robot.bodies[body], start, end, tolerance)
    return found


def _bearing(
    robot: Robot, build: Build, body: int, place: np.ndarray, axes: np.ndarray, part: str
) -> Bearing:
    point = _local(build, body, place[None])[0]
    turn = build.rest.turns[body, 0].T @ axes
    return Bearing(robot.bodies[body], point, turn, _BEARINGS[part])


def _hand_axes(build: Build, arm: Limb, side: str) -> np.ndarray:
    """(3, 3) columns: where a hand at rest has what points left, up and ahead in a T-pose."""
    sign = 1.0 if side == "left" else -1.0
    fingers = arm.points[2] - arm.points[1]
    fingers = fingers / np.linalg.norm(fingers)
    left, up, _ = build.axes.T
    # Of arms that hang or point ahead, palms face each other; of arms spread out, the floor.
    palm = -up if abs(fingers @ left) > 0.7 else -sign * left
    palm = palm - (palm @ fingers) * fingers
    palm /= np.linalg.norm(palm)
    x, y = sign * fingers, -palm
    return np.stack([x, y, np.cross(x, y)], 1)


def _world(build: Build, body: int, points: np.ndarray) -> np.ndarray:
    return build.rest.point(body, points)[0]


def _local(build: Build, body: int, points: np.ndarray) -> np.ndarray:
    return (points - build.rest.places[body, 0]) @ build.rest.turns[body, 0]
