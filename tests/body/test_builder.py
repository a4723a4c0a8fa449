"""The builder's steps on synthetic bodies, without the package that brings the real ones."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from mocap.body.builder import build_body
from mocap.body.builder_pose import bake_t_pose, t_pose_rotations
from mocap.body.builder_proportions import with_human_proportions
from mocap.body.builder_shape import ShapeSpace, joint_regressor, principal_shapes, vertex_areas
from mocap.body.builder_twist import twist_directions
from mocap.body.kinematics import forward_kinematics, skin
from mocap.errors import BodyError
from mocap.skeletons import SMPLX_55


@pytest.fixture(scope="module")
def cloud(body):
    """The shipped body as a stand-in for MakeHuman's, thinned to every sixth vertex."""
    chosen = slice(None, None, 6)
    return (
        body.template[chosen].double().numpy(),
        body.weights[chosen].double().numpy(),
        body.rest_joints()[0].double().numpy(),
    )


def test_skinning_takes_the_t_pose_back_to_where_it_came_from(cloud):
    vertices, weights, joints = cloud
    generator = np.random.default_rng(0)
    bodies = vertices + generator.normal(0, 0.01, (3, *vertices.shape))
    skeletons = joints + generator.normal(0, 0.01, (3, *joints.shape))
    # World rotations that bend each joint a little more than its parent.
    local = Rotation.from_rotvec(generator.normal(0, 0.15, (55, 3))).as_matrix()
    turned = np.stack([np.eye(3)] * 55)
    for i, parent in enumerate(SMPLX_55.parents):
        turned[i] = turned[max(parent, 0)] @ local[i]
    baked, placed = bake_t_pose(bodies, skeletons, weights, turned)
    assert np.abs(placed[:, 0]).max() == 0
    undo = turned.transpose(0, 2, 1)
    relative = np.stack(
        [undo[p].T @ undo[i] if p >= 0 else undo[i] for i, p in enumerate(SMPLX_55.parents)]
    )
    rest = torch.from_numpy(placed)
    rotations, found = forward_kinematics(
        torch.from_numpy(relative).expand(3, -1, -1, -1), rest, SMPLX_55.parents
    )
    posed = skin(torch.from_numpy(baked), rest, rotations, found, torch.from_numpy(weights))
    root = skeletons[:, :1]
    assert np.abs(found.numpy() + root - skeletons).max() < 1e-12
    assert np.abs(posed.numpy() + root - bodies).max() < 1e-8


def test_t_pose_rotations_leave_a_t_pose_alone(cloud):
    joints = cloud[2].copy()
    # The elbows' hinges are found from their bend.
    for side in ("left", "right"):
        joints[SMPLX_55.index(f"{side}_elbow"), 2] -= 1e-3
    turned = t_pose_rotations(joints)
    arms = SMPLX_55.indices("left_shoulder", "left_elbow", "left_wrist", "right_wrist")
    angles = Rotation.from_matrix(turned[arms]).magnitude()
    assert np.rad2deg(angles).max() < 3


def test_bodies_get_the_proportions_of_people(body):
    """Of bodies whose shanks and arms are too long by more or less, and too different."""
    generator = np.random.default_rng(0)
    betas = torch.from_numpy(generator.normal(0, 1.5, (100, body.num_betas))).float()
    vertices, joints = (
        part.double().numpy() for part in (body.rest_vertices(betas), body.rest_joints(betas))
    )
    knees = joints[:, SMPLX_55.indices("left_knee", "right_knee"), 1].mean(1)
    longer = 1 + np.clip(generator.normal(0.15, 0.1, 100), -0.2, 0.5)
    for points in (vertices, joints):
        below = np.minimum(points[..., 1] - knees[:, None], 0.0)
        points[..., 1] += below * (longer - 1)[:, None]
    moved, placed = with_human_proportions(vertices, joints)

    def length(joints: np.ndarray, a: str, b: str) -> np.ndarray:
        ends = [joints[:, SMPLX_55.index(f"left_{name}")] for name in (a, b)]
        return np.linalg.norm(ends[0] - ends[1], axis=-1)

    def crural(joints: np.ndarray) -> np.ndarray:
        return np.log(length(joints, "knee", "ankle") / length(joints, "hip", "knee"))

    assert crural(joints).mean() > 0.1
    assert crural(joints).std() > 0.08
    assert crural(placed).mean() == pytest.approx(np.log(1.01), abs=0.01)
    assert crural(placed).std() == pytest.approx(0.035, rel=0.1)
    stature = np.ptp(moved[..., 1], axis=1)
    arm = length(placed, "shoulder", "elbow") + length(placed, "elbow", "wrist")
    assert (arm / stature).mean() == pytest.approx(0.299, abs=0.002)
    assert (arm / stature).std() == pytest.approx(0.0095, rel=0.1)
    # Nobody becomes another: statures and ranks stay.
    assert np.corrcoef(stature, np.ptp(vertices[..., 1], axis=1))[0, 1] > 0.9
    assert np.corrcoef(crural(placed), crural(joints))[0, 1] > 0.9


def test_principal_shapes_recover_a_linear_space():
    generator = np.random.default_rng(0)
    mean, modes = generator.normal(size=(40, 3)), generator.normal(size=(2, 95, 3))
    modes[0] *= 5
    scores = generator.normal(size=(400, 2))
    offsets = np.tensordot(scores, modes, axes=1)
    vertices, joints = mean + offsets[:, :40], offsets[:, 40:]
    faces = generator.integers(0, 40, (80, 3))
    space = principal_shapes(vertices, joints, faces, components=2, held_out=50)
    assert space.residual < 1e-9
    first = space.directions[0].ravel()
    truth = modes[0, :40].ravel()
    cosine = abs(first @ truth) / np.linalg.norm(first) / np.linalg.norm(truth)
    assert cosine > 0.99
    # Unit variance: one step is one standard deviation.
    assert np.linalg.norm(first) == pytest.approx(np.linalg.norm(truth), rel=0.1)
    taller = np.ptp((space.template + space.directions)[..., 1], axis=1)
    shorter = np.ptp((space.template - space.directions)[..., 1], axis=1)
    assert (taller >= shorter).all()


def test_vertex_areas_share_out_the_surface():
    square = np.array([[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0.0]])
    areas = vertex_areas(square, np.array([[0, 1, 2], [0, 2, 3]]))
    assert areas == pytest.approx([4 / 3, 2 / 3, 4 / 3, 2 / 3])


def test_the_regressor_is_exact_sums_to_one_and_mirrors(body):
    template = body.template.double().numpy()
    directions = body.directions.double().numpy().transpose(2, 0, 1)
    joints = body.joint_directions.double().numpy().transpose(2, 0, 1)
    space = ShapeSpace(
        template, directions[:6], body.rest_joints()[0].double().numpy(), joints[:6], 0.0
    )
    mirror = cKDTree(template).query(template * [-1, 1, 1])[1]
    rows = joint_regressor(space, directions[32:34], mirror)
    assert np.allclose(rows.sum(axis=1), 1.0, atol=1e-5)
    assert np.abs(rows @ template - space.joints).max() < 1e-4
    found = np.einsum("jv,kva->kja", rows, space.directions)
    assert np.abs(found - space.joint_directions).max() < 3e-4
    assert np.array_equal(
        rows[SMPLX_55.index("left_knee")][mirror], rows[SMPLX_55.index("right_knee")]
    )


def test_twist_directions_answer_twist_and_not_swing(cloud):
    template, weights, joints = cloud
    directions = twist_directions(template, joints, weights)
    wrist = SMPLX_55.index("left_wrist") - 1
    entries = directions[..., 9 * wrist : 9 * wrist + 9]

    def change(axis: int) -> float:
        turn = Rotation.from_rotvec(np.eye(3)[axis]).as_matrix() - np.eye(3)
        return float(np.abs(entries @ turn.ravel()).max())

    assert change(0) > 1e-3
    assert change(1) < 1e-6
    assert change(2) < 1e-6


@pytest.mark.parametrize("components", [0, 301])
def test_the_number_of_components_is_checked(tmp_path, components):
    with pytest.raises(BodyError, match="1 to 300"):
        build_body(tmp_path / "b.npz", shape_components=components)


def test_the_folder_is_checked_before_the_work(tmp_path):
    with pytest.raises(BodyError, match="does not exist"):
        build_body(tmp_path / "no" / "b.npz")
