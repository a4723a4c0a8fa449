"""Where a robot touches itself and the ground, against MuJoCo asked by hand and every corner."""

import copy

import numpy as np
import pytest

mujoco = pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from scipy.spatial.transform import Rotation  # noqa: E402

from mocap.retarget import read_robot  # noqa: E402
from mocap.retarget.collisions import Collisions  # noqa: E402
from mocap.retarget.ground import ground_of  # noqa: E402
from mocap.retarget.kinematics import Pose, pose_robot  # noqa: E402
from mocap.retarget.surface import hulls  # noqa: E402
from retarget.made_up import written  # noqa: E402

FRAMES = 40


@pytest.fixture(scope="module")
def robot(tmp_path_factory):
    return read_robot(written(tmp_path_factory.mktemp("robot")))


@pytest.fixture(scope="module")
def pose(robot):
    rng = np.random.default_rng(6)
    turn = Rotation.random(FRAMES, random_state=6).as_matrix()
    low, high = np.maximum(robot.low, -2), np.minimum(robot.high, 2)
    return Pose(
        rng.uniform(0, 1, (FRAMES, 3)), turn, rng.uniform(low, high, (FRAMES, len(robot.joints)))
    )


def asked_by_hand(robot, pose, margin, built_in):
    """Frames, pairs of bodies and distances."""
    model = copy.copy(robot.model)
    model.geom_margin[:] = margin
    data = mujoco.MjData(model)
    found = []
    for frame in range(FRAMES):
        data.qpos[:3] = pose.place[frame]
        data.qpos[3:7] = Rotation.from_matrix(pose.turn[frame]).as_quat(scalar_first=True)
        data.qpos[7:] = pose.joints[frame]
        mujoco.mj_forward(model, data)
        for contact in data.contact:
            pair = tuple(sorted(int(b) - robot.first for b in model.geom_bodyid[contact.geom]))
            if pair not in built_in:
                found.append((frame, *pair, contact.dist))
    return sorted(found)


def test_touches_are_mujocos_contacts(robot, pose):
    collisions = Collisions(robot, margin=0.05)
    posed = pose_robot(robot, pose)
    touches = collisions.find(pose, posed)
    rows = np.column_stack(
        [touches.frames, touches.first, touches.second, touches.room(posed)]
    ).tolist()
    wanted = asked_by_hand(robot, pose, 0.05, collisions.built_in)
    assert len(wanted) > 20
    np.testing.assert_allclose(sorted(rows), wanted, atol=1e-9)
    assert not robot.model.geom_margin.any()
    chosen = np.arange(FRAMES) % 3 == 0
    some = collisions.find(pose, posed, chosen)
    np.testing.assert_array_equal(some.frames, touches.frames[chosen[touches.frames]])
    overlapping = {frame for frame, *_, distance in wanted if distance < 0}
    assert set(np.flatnonzero(collisions.overlaps(pose)).tolist()) == overlapping


def test_touches_of_some_frames_are_renewed_and_the_others_kept(robot, pose):
    collisions = Collisions(robot, margin=0.05)
    chosen = np.arange(FRAMES) % 3 == 0
    joints = np.where(chosen[:, None], 0.9 * pose.joints, pose.joints)
    partly = pose.with_joints(joints)
    before = collisions.find(pose, pose_robot(robot, pose))
    posed = pose_robot(robot, partly)
    renewed = before.renewed(collisions.find(partly, posed, chosen), chosen)
    wanted = collisions.find(partly, posed)
    assert len(wanted.frames) != len(before.frames)
    for name, value in vars(wanted).items():
        np.testing.assert_allclose(getattr(renewed, name), value, atol=1e-12)


def test_corners_near_the_ground_are_the_lowest_ones(robot, pose):
    posed = pose_robot(robot, pose)
    near = ground_of(robot).near(posed, 0.1)
    for body, hull in enumerate(hulls(robot)):
        if not len(hull):
            continue
        heights = posed.point(body, hull.points)[..., 2] - hull.radii
        for frame in range(FRAMES):
            own = (near.frames == frame) & (near.bodies == body)
            assert own.any() == (heights[frame].min() < 0.1)
            if own.any():
                np.testing.assert_allclose(near.height[own].min(), heights[frame].min(), atol=1e-12)
                assert (near.height[own] < 0.1).all()
                corners = near.corners[own]
                apart = np.linalg.norm(corners[:, None] - corners, axis=2)
                assert (apart[~np.eye(len(corners), dtype=bool)] >= 0.05).all()
    assert len(near.frames) > 100
