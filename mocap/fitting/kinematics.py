"""Forward kinematics of many frames at once, and the derivative of every point.

Plain numpy over a leading axis of frames; this is where the fit spends its time. The derivative
of a rotation vector's matrix uses the left Jacobian of SO(3) (Solà et al., "A micro Lie theory
for state estimation in robotics", 2018, eq. 145).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from mocap.fitting.freedom import COORDINATES, SIZE, expansion
from mocap.fitting.rig import JOINTS, NAMES, PARENTS, Rig
from mocap.geometry import rotation_matrices, world_rotations


@dataclass(frozen=True)
class Pose:
    """Everything that changes from frame to frame.

    Attributes:
        transl: (F, 3) metres, added to the rest pose's place (SMPL-X's ``transl``).
        root: (F, 3, 3) rotation of the pelvis.
        coordinates: (F, C) of :data:`mocap.fitting.freedom.COORDINATES`, radians.
    """

    transl: Float[np.ndarray, "frames 3"]
    root: Float[np.ndarray, "frames 3 3"]
    coordinates: Float[np.ndarray, "frames coordinates"]

    def __len__(self) -> int:
        return len(self.transl)

    def __getitem__(self, part: slice) -> "Pose":
        return Pose(self.transl[part], self.root[part], self.coordinates[part])

    def moved(self, step: Float[np.ndarray, "frames unknowns"]) -> "Pose":
        """The pose after a step of the solver: translation, world-frame rotation, coordinates."""
        turn = Rotation.from_rotvec(step[:, 3:6]).as_matrix()
        return Pose(self.transl + step[:, :3], turn @ self.root, self.coordinates + step[:, 6:])

    def rotation_vectors(self) -> Float[np.ndarray, "frames 22 3"]:
        """Axis-angle of every joint; the root's from its matrix."""
        vectors = (self.coordinates @ expansion().T).reshape(-1, JOINTS, 3)
        vectors[:, 0] = Rotation.from_matrix(self.root).as_rotvec()
        return vectors


@dataclass(frozen=True)
class Posed:
    """A posed rig: rotations (F, 22, 3, 3), joints (F, 22, 3) and points (F, P, 3), world."""

    rotations: Float[np.ndarray, "frames 22 3 3"]
    joints: Float[np.ndarray, "frames 22 3"]
    points: Float[np.ndarray, "frames points 3"]


def pose_rig(rig: Rig, betas: np.ndarray, pose: Pose) -> Posed:
    """Forward kinematics: where joints and points are, world metres."""
    rest, _ = rig.shaped(betas)
    local = rotation_matrices(pose.rotation_vectors())
    local[:, 0] = pose.root
    rotations, joints = world_rotations(local, PARENTS), np.empty((len(pose), JOINTS, 3))
    joints[:, 0] = rest[0] + pose.transl
    for joint in range(1, JOINTS):
        parent = PARENTS[joint]
        joints[:, joint] = joints[:, parent] + rotations[:, parent] @ (rest[joint] - rest[parent])
    posed = Posed(rotations, joints, joints)
    return Posed(rotations, joints, points_on(rig, betas, posed))


def points_on(rig: Rig, betas: np.ndarray, posed: Posed) -> Float[np.ndarray, "frames points 3"]:
    """The points of a rig of the same body on joints that are posed already, world metres."""
    _, offsets = rig.shaped(betas)
    riding = posed.rotations[:, rig.carriers] @ offsets[..., None]
    return posed.joints[:, rig.carriers] + riding[..., 0]


def left_jacobian(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """d(rotation, as a world-side turn) / d(rotation vector), for each vector."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    safe = np.maximum(angle, 1e-6)
    small = angle < 1e-4
    a = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
    b = np.where(small, 1 / 6, (safe - np.sin(safe)) / safe**3)
    hat = skew(vectors)
    return np.eye(3) + a * hat + b * (hat @ hat)


def skew(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """The matrices that take the cross product from the left."""
    matrix = np.zeros((*vectors.shape, 3))
    x, y, z = np.moveaxis(vectors, -1, 0)
    matrix[..., 0, 1], matrix[..., 0, 2], matrix[..., 1, 2] = -z, y, -x
    matrix[..., 1, 0], matrix[..., 2, 0], matrix[..., 2, 1] = z, -y, x
    return matrix


def point_jacobian(
    rig: Rig, pose: Pose, posed: Posed
) -> Float[np.ndarray, "frames points 3 unknowns"]:
    """Derivative of every point by every unknown of its frame.

    A unit of an unknown turns joints ``k`` about axes ``a_k`` through their places ``j_k``, which
    moves a point ``p`` by the sum of ``a_k x (p - j_k)``: linear in ``p``, so that one product
    with a matrix per frame serves all points, and a mask takes out those that do not ride along.
    """
    frames, points = posed.points.shape[:2]
    axes = _axes(pose, posed)
    # How the axes move the origin.
    moments = np.cross(posed.joints[:, :, :, None], axes, axisa=2, axisb=2, axisc=2)
    axis, moment = (np.moveaxis(part, 1, 2).reshape(frames, 3, -1) for part in (axes, moments))
    spread, by_turn, by_joint = _turns(), _turned_by(rig), np.repeat(rig.moved_by, 3, axis=1)
    jacobian = np.empty((frames, points, 3, SIZE))
    jacobian[..., :3] = np.eye(3)
    turned = _turned(posed.points, axis @ spread, moment @ spread)
    np.multiply(turned, by_turn[:, None], out=jacobian[..., 3:])
    # Points that ride between joints that turn as one go with some of them only.
    split = np.flatnonzero((by_joint @ (spread != 0) != (spread != 0).sum(0) * by_turn).any(1))
    if len(split):
        single = _turned(posed.points[:, split], axis, moment) * by_joint[split, None]
        jacobian[:, split, :, 3:] = single @ spread
    return jacobian


def centre_jacobian(
    shares: Float[np.ndarray, "22"], pose: Pose, posed: Posed
) -> Float[np.ndarray, "frames 3 unknowns"]:
    """Derivative of a weighted mean of the joints by every unknown of its frame.

    A turn of a joint moves what hangs on it as if all of that were in its own mean.
    """
    hanging = _ancestry() * shares[:, None]
    arms = np.einsum("jk,fjc->fkc", hanging, posed.joints, optimize=True)
    arms -= hanging.sum(0)[:, None] * posed.joints
    axes = np.swapaxes(_axes(pose, posed), -1, -2)
    moved = np.cross(axes, arms[:, :, None]).reshape(len(pose), -1, 3)
    jacobian = np.empty((len(pose), 3, SIZE))
    jacobian[..., :3] = shares.sum() * np.eye(3)
    jacobian[..., 3:] = np.swapaxes(moved, -1, -2) @ _turns()
    return jacobian


@lru_cache(maxsize=1)
def _ancestry() -> Bool[np.ndarray, "22 22"]:
    """Which joint hangs on which, itself included."""
    hangs = np.eye(JOINTS, dtype=bool)
    for joint in range(1, JOINTS):
        hangs[joint] |= hangs[PARENTS[joint]]
    return hangs


def _axes(pose: Pose, posed: Posed) -> Float[np.ndarray, "frames 22 3 3"]:
    """World axes about which each joint turns as its three numbers change, in columns."""
    axes = posed.rotations[:, np.maximum(PARENTS, 0)] @ left_jacobian(pose.rotation_vectors())
    axes[:, 0] = np.eye(3)
    return axes


def _turned(
    points: Float[np.ndarray, "frames points 3"],
    axis: Float[np.ndarray, "frames 3 turns"],
    moment: Float[np.ndarray, "frames 3 turns"],
) -> Float[np.ndarray, "frames points 3 turns"]:
    """How turns move points, were all of them to ride along."""
    frames, _, turns = axis.shape
    # Rows x y z 1 of the point, columns the derivative's x, y and z by each turn.
    matrix = np.zeros((frames, 4, 3, turns))
    matrix[:, 1, 0], matrix[:, 2, 0] = -axis[:, 2], axis[:, 1]
    matrix[:, 0, 1], matrix[:, 2, 1] = axis[:, 2], -axis[:, 0]
    matrix[:, 0, 2], matrix[:, 1, 2] = -axis[:, 1], axis[:, 0]
    matrix[:, 3] = moment
    homogeneous = np.concatenate([points, np.ones((*points.shape[:2], 1))], -1)
    return (homogeneous @ matrix.reshape(frames, 4, -1)).reshape(*points.shape, turns)


@lru_cache(maxsize=1)
def _turns() -> Float[np.ndarray, "66 turns"]:
    """Axis-angle numbers of 22 joints from the root's turn and the coordinates."""
    turns = np.zeros((JOINTS * 3, SIZE - 3))
    turns[:3, :3] = np.eye(3)
    turns[:, 3:] = expansion()
    return turns


def _turned_by(rig: Rig) -> Bool[np.ndarray, "points turns"]:
    """Which of the root's three turns and of the coordinates move which point."""
    first = [NAMES.index(coordinate.joints[0]) for coordinate in COORDINATES]
    return rig.moved_by[:, [0, 0, 0, *first]]


def shape_jacobian(
    rig: Rig, count: int, posed: Posed
) -> Float[np.ndarray, "frames points 3 shape"]:
    """Derivative of every point by each of the first ``count`` betas."""
    directions = rig.joint_directions[..., :count]
    joints = np.empty((*posed.joints.shape, count))
    joints[:, 0] = directions[0]
    for joint in range(1, JOINTS):
        parent = PARENTS[joint]
        bone = directions[joint] - directions[parent]
        joints[:, joint] = joints[:, parent] + posed.rotations[:, parent] @ bone
    riding = posed.rotations[:, rig.carriers] @ rig.offset_directions[..., :count]
    return joints[:, rig.carriers] + riding
