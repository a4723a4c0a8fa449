"""Every kind of worthless motion is called worthless, and is not measured."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from takes import forward, make_take, random_pose, rest_offsets, with_body

from mocap.evaluate import evaluate
from mocap.evaluate.joints import LIMBS, MIRROR
from mocap.evaluate.plausibility import facing, problems
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import Keypoints2D, Keypoints3D

FRAMES = 60


@pytest.fixture
def take():
    """Somebody who moves, seen by a detector that is a little off."""
    return seen(make_take(frames=FRAMES))


def seen(take):
    rng = np.random.default_rng(0)
    person = take.people["person-1"]
    rows, joints = MEDIAPIPE_33.indices(*LIMBS), SMPLX_55.indices(*LIMBS)
    limbs = person.body.joints[:, joints]
    xy = np.full((FRAMES, 33, 2), np.nan)
    xyz = np.full((FRAMES, 33, 3), np.nan)
    confidence = np.zeros((FRAMES, 33))
    xy[:, rows] = take.camera.project(limbs, person.frames) + rng.normal(size=(FRAMES, 12, 2))
    around = limbs - limbs[:, [3, 9]].mean(1, keepdims=True)
    xyz[:, rows] = around @ take.camera.R[0].T + rng.normal(scale=0.01, size=(FRAMES, 12, 3))
    confidence[:, rows] = 0.9
    person = replace(
        person,
        keypoints2d=Keypoints2D(xy, confidence, "mediapipe33", "test"),
        keypoints3d=Keypoints3D(xyz, "mediapipe33", "test"),
    )
    return replace(take, people={"person-1": person})


def verdict(take):
    return problems(take, take.people["person-1"])


def measured(take):
    """The figures of a report that a worthless motion must not get."""
    one = evaluate(take).people[0]
    return one.plausible, (one.fit, one.reprojection, one.feet), one.world_jitter_10m_per_s3


def test_a_motion_is_a_motion(take):
    assert verdict(take) == ()
    plausible, (fit, reprojection, _), jitter = measured(take)
    assert plausible
    assert fit.jitter_10m_per_s3 > 0
    assert jitter > 0
    assert 0 < reprojection.mean_px < 3


def frozen(take):
    body = take.people["person-1"].body
    # It may still be carried about: only the pose is dead.
    pose = body.joints[:1] - body.joints[:1, :1]
    return with_body(take, joints=pose + body.joints[:, :1])


def frozen_for_long(take):
    joints = take.people["person-1"].body.joints.copy()
    joints[20:] = joints[20]
    return with_body(take, joints=joints)


def nearly_frozen(take):
    joints = take.people["person-1"].body.joints
    mean = (joints - joints[:, :1]).mean(0)
    noise = 1e-4 * np.random.default_rng(1).normal(size=joints.shape)
    return with_body(take, joints=mean + joints[:, :1] + noise)


def not_a_number(take):
    joints = take.people["person-1"].body.joints.copy()
    joints[5, 3] = np.nan
    return with_body(take, joints=joints)


def pose_not_a_number(take):
    return with_body(take, body_pose=np.full((FRAMES, 63), np.nan))


def no_body(take):
    person = take.people["person-1"]
    return replace(take, people={"person-1": replace(person, body=None)})


def mirrored_labels(take):
    joints = take.people["person-1"].body.joints[:, list(SMPLX_55.mirror)]
    return with_body(take, joints=joints)


def crossed_limbs(take):
    """A sound body that turns its back where the person is seen from the front."""
    joints = take.people["person-1"].body.joints
    root = joints[:, :1]
    return with_body(take, joints=(joints - root) * [-1.0, 1.0, -1.0] + root)


def collapsed(take):
    joints = take.people["person-1"].body.joints
    return with_body(take, joints=0.01 * (joints - joints[:, :1]) + joints[:, :1])


def giant(take):
    return with_body(take, joints=3 * take.people["person-1"].body.joints)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (frozen, "frozen"),
        (frozen_for_long, "frozen"),
        (nearly_frozen, "frozen"),
        (not_a_number, "NaN"),
        (pose_not_a_number, "NaN"),
        (no_body, "empty"),
        (mirrored_labels, "sides"),
        (crossed_limbs, "sides"),
        (collapsed, "size"),
        (giant, "size"),
    ],
)
def test_worthless_motion_is_told_and_not_measured(take, spoil, word):
    spoilt = spoil(take)
    found = verdict(spoilt)
    assert any(problem.startswith(word) for problem in found), found
    plausible, figures, jitter = measured(spoilt)
    assert not plausible
    assert figures == (None, None, None)
    assert np.isnan(jitter)


def test_the_checks_need_no_detector(take):
    person = replace(take.people["person-1"], keypoints2d=None, keypoints3d=None)
    bare = replace(take, people={"person-1": person})
    assert verdict(bare) == ()
    for spoil in (frozen, not_a_number, mirrored_labels):
        assert verdict(spoil(bare)) != ()


def test_somebody_who_stands_nearly_still_is_no_statue(take):
    joints = take.people["person-1"].body.joints
    times = np.arange(FRAMES)[:, None, None]
    sway = 0.001 * np.sin(times * np.linspace(0.05, 0.3, 55)[:, None])
    still = seen(with_body(take, joints=joints[:1] + sway))
    assert verdict(still) == ()


def test_short_motions_are_not_taken_for_statues():
    take = make_take(frames=5, still=True)
    assert problems(take, take.people["person-1"]) == ()


@pytest.mark.parametrize("seed", range(4))
def test_feet_point_forwards_however_the_body_turns(seed):
    rng = np.random.default_rng(seed)
    pose = random_pose(np.arange(50) / 30, rng)
    pose[:, 0] = rng.uniform(-3, 3, 3)
    R = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(50, 55, 3, 3)
    joints = forward(R, np.zeros((50, 3)), rest_offsets())
    found = facing(joints)
    assert np.nanmean(found > 0) > 0.9
    np.testing.assert_allclose(facing(joints[:, list(SMPLX_55.mirror)]), -found)


def test_mirrors_agree():
    assert [LIMBS[i] for i in MIRROR[:3]] == ["right_shoulder", "right_elbow", "right_wrist"]
