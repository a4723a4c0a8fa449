"""The rig against the body it was taken from, and its derivatives against differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from mocap.body import BodyPose
from mocap.fitting.freedom import COORDINATES, SIZE, expansion, limits
from mocap.fitting.kinematics import (
    Pose,
    left_jacobian,
    point_jacobian,
    pose_rig,
    shape_jacobian,
    skew,
)
from mocap.fitting.rig import JOINTS, NAMES, PARENTS
from mocap.skeletons import MEDIAPIPE_33


def random_pose(frames: int, rng: np.random.Generator) -> Pose:
    low, high = limits()
    return Pose(
        rng.normal(0, 3, (frames, 3)),
        Rotation.random(frames, rng=rng).as_matrix(),
        rng.uniform(low, high, (frames, len(low))),
    )


def forward(body64, betas: np.ndarray, pose: Pose):
    vectors = pose.rotation_vectors()
    return body64.forward(
        BodyPose(
            betas=torch.as_tensor(betas),
            global_orient=torch.as_tensor(vectors[:, 0]),
            body_pose=torch.as_tensor(vectors[:, 1:].reshape(len(pose), 63)),
            transl=torch.as_tensor(pose.transl),
        ),
        return_landmarks=True,
    )


def test_the_rig_is_the_body(body64, rig, rng):
    betas, pose = rng.normal(0, 1.5, 10), random_pose(50, rng)
    mine, theirs = pose_rig(rig, betas, pose), forward(body64, betas, pose)
    assert np.abs(mine.joints - theirs.joints[:, :JOINTS].numpy()).max() < 1e-5
    assert np.abs(mine.rotations - theirs.rotations[:, :JOINTS].numpy()).max() < 1e-5


def test_points_ride_where_the_skin_is(body64, rig, rng):
    betas, pose = rng.normal(0, 1.5, 10), random_pose(50, rng)
    mine, theirs = pose_rig(rig, betas, pose), forward(body64, betas, pose)
    for row, keypoint in enumerate(rig.keypoints):
        name = MEDIAPIPE_33.names[keypoint]
        if name in body64.landmark_names:
            wanted = theirs.landmarks[:, body64.landmark_names.index(name)].numpy()
        else:
            wanted = theirs.joints[:, NAMES.index(name)].numpy()
        # Skin near a joint is shared with the neighbour and leaves its carrier a little.
        gap = np.linalg.norm(mine.points[:, row] - wanted, axis=-1)
        assert np.median(gap) < 0.006, name
        assert gap.max() < 0.03, name


def test_all_of_mediapipes_points_but_eye_corners_are_used(rig):
    names = {MEDIAPIPE_33.names[k] for k in rig.keypoints}
    assert set(MEDIAPIPE_33.names) - names == {
        f"{side}_eye_{part}" for side in ("left", "right") for part in ("inner", "outer")
    }
    assert len(names) == len(rig.keypoints)


def test_fewer_betas_leave_the_others_at_zero(rig):
    some = np.array([1.0, -0.5, 0.3])
    for mine, wanted in zip(rig.shaped(some), rig.shaped(np.pad(some, (0, 7))), strict=True):
        np.testing.assert_allclose(mine, wanted, atol=1e-12)


def test_every_point_is_moved_by_its_carriers_ancestors(rig):
    for point, carrier in enumerate(rig.carriers):
        ancestors = {int(carrier)}
        while PARENTS[min(ancestors)] >= 0:
            ancestors.add(PARENTS[min(ancestors)])
        assert set(np.flatnonzero(rig.moved_by[point])) == ancestors


def numeric_point_jacobian(rig, betas, pose, size=1e-6):
    numeric = np.empty((len(pose), len(rig.carriers), 3, SIZE))
    for unknown in range(SIZE):
        step = np.zeros((len(pose), SIZE))
        step[:, unknown] = size
        ahead = pose_rig(rig, betas, pose.moved(step)).points
        behind = pose_rig(rig, betas, pose.moved(-step)).points
        numeric[..., unknown] = (ahead - behind) / (2 * size)
    return numeric


@pytest.mark.parametrize("kind", ["anywhere", "at rest", "nearly at rest", "half a turn", "limits"])
def test_point_derivatives(rig, rng, kind):
    pose = random_pose(6, rng)
    angles = pose.coordinates
    if kind == "at rest":
        angles = np.zeros_like(angles)
    elif kind == "nearly at rest":
        # Both sides of where the series takes over.
        angles = (
            rng.choice([-1, 1], angles.shape)
            * np.array([1e-9, 1e-7, 1e-5, 9e-5, 2e-4, 1e-3])[:, None]
        )
    elif kind == "half a turn":
        per_joint = (angles @ expansion().T).reshape(-1, JOINTS, 3)
        lengths = np.linalg.norm(per_joint, axis=-1).max(1, keepdims=True)
        angles = angles * (np.pi - np.array([0, 1e-9, -1e-9, 1e-4, -1e-4, 1e-2])[:, None]) / lengths
        pose = Pose(
            pose.transl, Rotation.from_rotvec(np.pi * np.eye(3)[[0, 1, 2] * 2]).as_matrix(), angles
        )
    elif kind == "limits":
        low, high = limits()
        angles = np.where(rng.uniform(size=angles.shape) < 0.5, low, high)
    pose = Pose(pose.transl, pose.root, angles)
    betas = rng.normal(0, 1, 10)
    analytic = point_jacobian(rig, pose, pose_rig(rig, betas, pose))
    np.testing.assert_allclose(analytic, numeric_point_jacobian(rig, betas, pose), atol=2e-7)


def test_shape_derivatives(rig, rng):
    pose, betas = random_pose(5, rng), rng.normal(0, 1, 10)
    analytic = shape_jacobian(rig, 7, pose_rig(rig, betas, pose))
    assert analytic.shape == (5, len(rig.carriers), 3, 7)
    for beta in range(7):
        step = 1e-4 * np.eye(10)[beta]
        change = pose_rig(rig, betas + step, pose).points - pose_rig(rig, betas - step, pose).points
        np.testing.assert_allclose(analytic[..., beta], change / 2e-4, atol=1e-9)


VECTORS = arrays(np.float64, 3, elements=st.floats(-3.4, 3.4))


@given(VECTORS, arrays(np.float64, 3, elements=st.floats(-1, 1)))
@settings(max_examples=200, deadline=None)
def test_left_jacobian_is_the_derivative_of_the_rotation(vector, direction):
    size = 1e-5
    ahead = Rotation.from_rotvec(vector + size * direction)
    behind = Rotation.from_rotvec(vector - size * direction)
    turned = (ahead * behind.inv()).as_rotvec() / (2 * size)
    np.testing.assert_allclose(left_jacobian(vector) @ direction, turned, atol=1e-6)


@given(VECTORS)
@settings(max_examples=100, deadline=None)
def test_left_jacobian_keeps_its_own_vector(vector):
    # A turn goes on about its own axis, whatever its angle.
    np.testing.assert_allclose(left_jacobian(vector) @ vector, vector, atol=1e-12)


@pytest.mark.parametrize("angle", [0.99999e-4, 1.00001e-4])
def test_left_jacobian_has_no_step_where_the_series_ends(angle):
    axis = np.array([0.6, 0.0, 0.8])
    vector = angle * axis
    wanted = np.eye(3) + 0.5 * skew(vector) + skew(vector) @ skew(vector) / 6
    np.testing.assert_allclose(left_jacobian(vector), wanted, atol=1e-12)


@given(VECTORS, VECTORS)
@settings(max_examples=50, deadline=None)
def test_skew_is_the_cross_product(a, b):
    np.testing.assert_allclose(skew(a) @ b, np.cross(a, b), atol=1e-12)


def mirrored_columns() -> tuple[list[int], np.ndarray]:
    """For each coordinate the one of the other side, and the sign its angle takes."""
    keys = [(c.joints, c.axis) for c in COORDINATES]
    others = []
    for joints, axis in keys:
        swapped = tuple(
            j.replace("left", "right") if "left" in j else j.replace("right", "left")
            for j in joints
        )
        others.append(keys.index((swapped, axis)))
    return others, np.array([1.0 if axis == 0 else -1.0 for _, axis in keys])


def test_mirroring_the_angles_mirrors_the_body(rig, rng):
    others, signs = mirrored_columns()
    side = [
        NAMES.index(n.replace("left", "@").replace("right", "left").replace("@", "right"))
        for n in NAMES
    ]
    flip = np.diag([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(rig.joints[side] @ flip, rig.joints, atol=2e-4)
    pose = random_pose(20, rng)
    mirrored = Pose(
        pose.transl @ flip, flip @ pose.root @ flip, pose.coordinates[:, others] * signs
    )
    found = pose_rig(rig, np.zeros(10), mirrored).joints
    wanted = pose_rig(rig, np.zeros(10), pose).joints[:, side] @ flip
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_both_sides_have_the_same_limits_and_habits():
    others, signs = mirrored_columns()
    for column, other, sign in zip(COORDINATES, others, signs, strict=True):
        twin = COORDINATES[other]
        assert column.mean == sign * twin.mean
        assert column.spread == twin.spread
        assert tuple(sorted(sign * limit for limit in twin.limits)) == column.limits
        assert column.limits[0] <= column.mean <= column.limits[1]


@pytest.mark.parametrize(
    ("joint", "axis", "degrees", "moves", "towards"),
    [
        ("knee", 0, 90, "ankle", (0, 0, -1)),
        ("hip", 0, -90, "knee", (0, 0, 1)),
        ("hip", 2, 85, "knee", (1, 0, 0)),
        ("ankle", 0, 55, "foot", (0, -1, 0)),
        ("shoulder", 2, -90, "elbow", (0, -1, 0)),
        ("shoulder", 1, -90, "elbow", (0, 0, 1)),
        ("elbow", 1, -90, "wrist", (0, 0, 1)),
        ("collar", 2, 40, "shoulder", (0, 1, 0)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", ["left", "right"])
def test_angles_turn_the_way_their_limits_mean(rig, joint, axis, degrees, moves, towards, side):
    """Knees bend backwards, elbows forwards, arms go down to hang; limits allow just that."""
    index = [(c.joints, c.axis) for c in COORDINATES].index(((f"{side}_{joint}",), axis))
    sign = 1.0 if side == "left" or axis == 0 else -1.0
    low, high = COORDINATES[index].limits
    assert low <= sign * degrees <= high
    # The opposite of a hinge's bend is out of bounds.
    if joint in ("knee", "elbow") and axis != 2:
        assert not low <= -sign * degrees <= high
    angles = np.zeros((2, len(COORDINATES)))
    angles[1, index] = np.deg2rad(sign * degrees)
    joints = pose_rig(
        rig, np.zeros(10), Pose(np.zeros((2, 3)), np.stack([np.eye(3)] * 2), angles)
    ).joints
    carried = joints[:, NAMES.index(f"{side}_{moves}")] - joints[:, NAMES.index(f"{side}_{joint}")]
    reach = np.linalg.norm(carried[0])
    direction = np.array(towards) * [1.0 if side == "left" else -1.0, 1, 1]
    assert (carried[1] - carried[0]) @ direction > 0.4 * reach


def test_a_step_turns_the_root_in_the_world(rng):
    pose = random_pose(4, rng)
    step = np.zeros((4, SIZE))
    step[:, 4] = np.pi / 2
    np.testing.assert_allclose(
        pose.moved(step).root @ np.swapaxes(pose.root, 1, 2),
        np.stack([Rotation.from_euler("y", 90, degrees=True).as_matrix()] * 4),
        atol=1e-12,
    )
