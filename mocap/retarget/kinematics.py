"""Forward kinematics of a robot in many poses at once, and how points move with its joints."""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
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

    def points(
        self,
        bodies: Int[np.ndarray, " some"],
        frames: Int[np.ndarray, " some"],
        offsets: Float[np.ndarray, "some 3"],
    ) -> Float[np.ndarray, "some 3"]:
        """Points that ride on bodies, each in a frame of its own, world metres."""
        turned = np.einsum("kab,kb->ka", self.turns[bodies, frames], offsets)
        return self.places[bodies, frames] + turned

    def locals(
        self,
        bodies: Int[np.ndarray, " some"],
        frames: Int[np.ndarray, " some"],
        points: Float[np.ndarray, "some 3"],
    ) -> Float[np.ndarray, "some 3"]:
        """The other way round: world points in bodies' axes."""
        away = points - self.places[bodies, frames]
        return np.einsum("kba,kb->ka", self.turns[bodies, frames], away)

    def vector(self, body: int, offset: Float[np.ndarray, "3"]) -> np.ndarray:
        """(F, 3) a direction that turns with a body."""
        return self.turns[body] @ offset


def pose_robot(robot: Robot, pose: Pose) -> Posed:
    """Forward kinematics."""
    links = _links(robot)
    count, frames = len(links.above), len(pose)
    places, turns = np.empty((count, frames, 3)), np.empty((count, frames, 3, 3))
    axes, anchors = np.empty((count, frames, 3)), np.empty((count, frames, 3))
    places[0], turns[0] = pose.place, pose.turn
    # One more row, of zeros, for links that nothing moves.
    moved = np.zeros((len(robot.joints) + 1, frames))
    moved[:-1] = pose.joints.T
    angles = np.where(links.slides[:, None], 0.0, moved[links.joints])
    sine, rest = np.sin(angles)[..., None, None], 1.0 - np.cos(angles)[..., None, None]
    for level in links.levels:
        above, turn, place = links.above[level], turns[level], places[level]
        across = turns[above].reshape(len(above), -1, 3) @ links.across[level]
        across = across.reshape(len(above), frames, 3, -1)
        # Rodrigues' formula.
        np.multiply(sine[level], across[..., 3:6], out=turn)
        turn += rest[level] * across[..., 6:9]
        turn += across[..., :3]
        np.add(places[above], across[..., 9], out=place)
        np.add(place, across[..., 10], out=anchors[level])
        axes[level] = across[..., 11]
        if links.anchors[level].any():
            np.subtract(
                anchors[level],
                np.einsum("kfab,kb->kfa", turn, links.anchors[level]),
                out=place,
            )
        if links.slides[level].any():
            shift = np.where(links.slides[level, None], moved[links.joints[level]], 0.0)
            place += shift[..., None] * axes[level]
    bodies, joints = links.of_bodies, links.of_joints
    return Posed(places[bodies], turns[bodies], axes[joints], anchors[joints])


@dataclass(frozen=True)
class _Links:
    """What a robot is made of, by how far it is from the base; the base comes first.

    A link is a body, or, where several joints move a body, what is between two of them. Links of
    one level hang on links of levels before, so that all of them are placed at once.

    Attributes:
        levels: runs of links, without the base.
        above: (L,) what each hangs on.
        joints: (L,) what moves each; the number of joints where nothing does.
        slides: (L,) whether that slides.
        across: (L, 3, 12) in the axes of the link above: three for Rodrigues' formula, and the
            columns of the offset, the joint's anchor and its axis.
        anchors: (L, 3) of joints, in the link's axes, metres.
        of_bodies: (B,) the link that each body is.
        of_joints: (J,) the link that each joint moves.
    """

    levels: tuple[slice, ...]
    above: Int[np.ndarray, " links"]
    joints: Int[np.ndarray, " links"]
    slides: Bool[np.ndarray, " links"]
    across: Float[np.ndarray, "links 3 12"]
    anchors: Float[np.ndarray, "links 3"]
    of_bodies: Int[np.ndarray, " bodies"]
    of_joints: Int[np.ndarray, " joints"]


@lru_cache(maxsize=8)
def _links(robot: Robot) -> _Links:
    none = len(robot.joints)
    # First in the order of bodies: what each hangs on, its joint, offset and turn.
    found = [(0, none, np.zeros(3), np.eye(3))]
    depths, of_bodies = [0], [0]
    for body in range(1, len(robot.bodies)):
        above = of_bodies[robot.parents[body]]
        offset, turn = robot.offsets[body], robot.turns[body]
        for joint in robot.joints_of(body) or (none,):
            found.append((above, joint, offset, turn))
            depths.append(depths[above] + 1)
            above, offset, turn = len(found) - 1, np.zeros(3), np.eye(3)
        of_bodies.append(above)
    order = np.argsort(depths, kind="stable")
    place = np.argsort(order)
    ends = np.cumsum(np.bincount(depths))
    joints = np.array([found[link][1] for link in order])
    across, anchors = np.zeros((len(order), 3, 12)), np.zeros((len(order), 3))
    for at, (_, joint, offset, turn) in enumerate(found[link] for link in order):
        across[at, :, :3], across[at, :, 9] = turn, offset
        if joint < none:
            axis, anchors[at] = robot.axes[joint], robot.anchors[joint]
            skew = skews(axis)
            across[at, :, 3:6], across[at, :, 6:9] = turn @ skew, turn @ skew @ skew
            across[at, :, 10], across[at, :, 11] = turn @ anchors[at], turn @ axis
    return _Links(
        levels=tuple(slice(*pair) for pair in pairwise(ends.tolist())),
        above=place[[found[link][0] for link in order]],
        joints=joints,
        slides=np.append(robot.slides, False)[joints],
        across=across,
        anchors=anchors,
        of_bodies=place[of_bodies],
        of_joints=np.argsort(joints, kind="stable")[:none],
    )


def twists(
    robot: Robot, posed: Posed, moving: Int[np.ndarray, " moving"]
) -> Float[np.ndarray, "frames 6 unknowns"]:
    """What a unit of each unknown does to the bodies it moves.

    Returns:
        (F, 6, 6 + A) how it turns them, about the world's axes, and how it moves what of them is
        in the world's origin; of the base's place and turn, and of some joints.
    """
    base = posed.places[0]
    found = np.zeros((len(base), 6, 6 + len(moving)))
    found[:, 3:, :3] = found[:, :3, 3:6] = np.eye(3)
    found[:, 3:, 3:6] = skews(base)
    axes, slides = posed.axes[moving], robot.slides[moving]
    found[:, :3, 6:] = np.where(slides[:, None, None], 0.0, axes).transpose(1, 2, 0)
    moments = cross(posed.anchors[moving], axes)
    found[:, 3:, 6:] = np.where(slides[:, None, None], axes, moments).transpose(1, 2, 0)
    return found


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


def skews(vectors: Float[np.ndarray, "*many 3"]) -> Float[np.ndarray, "*many 3 3"]:
    """Matrices that take the cross product with vectors: ``skews(a) @ b = a x b``."""
    found = np.zeros((*vectors.shape, 3))
    for row, column, of in ((2, 1, 0), (0, 2, 1), (1, 0, 2)):
        found[..., row, column], found[..., column, row] = vectors[..., of], -vectors[..., of]
    return found


def cross(a: Float[np.ndarray, "*many 3"], b: Float[np.ndarray, "*many 3"]) -> np.ndarray:
    """(..., 3) the cross product; numpy's own takes its time."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


def rotation_vectors(turns: Float[np.ndarray, "*many 3 3"]) -> np.ndarray:
    """(..., 3) axis-angle of rotation matrices; fast, and exact enough below half a turn.

    Of half a turn it is 0.
    """
    odd = np.stack(
        [
            turns[..., 2, 1] - turns[..., 1, 2],
            turns[..., 0, 2] - turns[..., 2, 0],
            turns[..., 1, 0] - turns[..., 0, 1],
        ],
        -1,
    )
    sine = 0.5 * np.sqrt(np.einsum("...a,...a->...", odd, odd))
    cosine = 0.5 * (np.einsum("...aa->...", turns) - 1.0)
    angle = np.arctan2(sine, cosine)
    share = np.where(sine > 1e-6, 0.5 * angle / np.maximum(sine, 1e-6), 0.5)
    return odd * np.minimum(share, 50.0)[..., None]
