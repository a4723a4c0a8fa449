from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.datasets.motions import to_bodies, to_body
from mocap.datasets.motions.proportions import proportions
from mocap.fitting.kinematics import pose_rig
from mocap.fitting.rig import Rig

from .made_up import known_clip

BETAS = np.array([0.8, -0.6, 0.3, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0])


def test_the_bodys_own_motion_comes_back(body):
    clip, pose = known_clip(body, BETAS)
    found = to_body(clip, body, betas=BETAS)
    assert found.error.max() < 0.004
    gaps = np.abs(found.pose.coordinates - pose.coordinates)
    assert np.rad2deg(gaps.mean()) < 1.0
    assert np.rad2deg(gaps.max()) < 8.0
    np.testing.assert_allclose(found.pose.transl, pose.transl, atol=0.01)
    turned = Rotation.from_matrix(np.swapaxes(found.pose.root, -1, -2) @ pose.root).magnitude()
    assert np.rad2deg(turned.max()) < 2.5


def test_without_rotations_limbs_still_follow(body):
    clip, _ = known_clip(body, BETAS)
    found = to_body(replace(clip, turns=None, rest=None), body, betas=BETAS)
    assert found.error.mean() < 0.015
    assert found.error.max() < 0.04


def test_bones_tell_the_shape(body):
    clip, _ = known_clip(body, BETAS)
    rig = Rig.of(body, 10)
    found = proportions([clip], rig)
    rest, wanted = rig.shaped(found)[0], rig.shaped(BETAS)[0]
    plain = rig.shaped(np.zeros(10))[0]
    legs = [4, 7, 5, 8]
    assert np.abs(rest - wanted)[legs].max() < 0.4 * np.abs(plain - wanted)[legs].max()


def test_clips_of_one_performer_share_a_shape(body):
    clip, _ = known_clip(body, BETAS, frames=12)
    first, second = to_bodies([clip, clip[::2]], body)
    np.testing.assert_array_equal(first.betas, second.betas)
    assert second.fps == 15.0
    assert len(second) == 6


def test_the_body_model_poses_it_alike(body, body64):
    clip, _ = known_clip(body, BETAS, frames=8)
    found = to_body(clip, body)
    joints = body64.forward(found.body_pose()).joints.numpy()[:, :22]
    rig = Rig.of(body, 10)
    expected = pose_rig(rig, found.betas, found.pose).joints
    np.testing.assert_allclose(joints, expected, atol=1e-5)


@pytest.mark.parametrize("missing", ["left_wrist", "head", "neck"])
def test_a_missing_joint_is_no_harm(body, missing):
    clip, _ = known_clip(body, BETAS, frames=10)
    keep = [i for i, name in enumerate(clip.names) if name != missing]
    less = replace(
        clip,
        names=tuple(clip.names[i] for i in keep),
        joints=clip.joints[:, keep],
        turns=clip.turns[:, keep],
        rest=clip.rest[keep],
    )
    assert to_body(less, body, betas=BETAS).error.max() < 0.02
