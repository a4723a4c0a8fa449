"""Fingers: from known poses of the body's own hands to points and back."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mocap.body import BodyPose
from mocap.fitting import FitConfig, fit
from mocap.fitting.fingers import finger_poses
from mocap.fitting.observations import observe
from mocap.skeletons import HAND_21
from mocap.take import Hands3D, Keypoints3D

from .hands import FINGERS, curled, hand_points, in_palm, random_turns, told
from .synthetic import act, mpjpe, see, standing, take_of, upright

FPS = 30.0
SIDES = ("left", "right")
TIPS = HAND_21.indices(*(f"{finger}_tip" for finger in FINGERS if finger != "thumb"))


@pytest.fixture(scope="module")
def rest(body64):
    return body64.joint_template.numpy()


@pytest.fixture(scope="module")
def seen(body64, rig, camera):
    """Somebody who stands for two seconds, without hands."""
    person = see(act(body64, standing(60), np.array([0, 0, 4.0]), upright(20)), camera)
    return person, observe(person, rig, *camera.at(person.frames), FPS)


def recovered(body, seen, hands: Hands3D | None) -> dict[str, np.ndarray]:
    person, observations = seen
    with_hands = dataclasses.replace(person, hands3d=hands)
    return dict(zip(SIDES, finger_poses(with_hands, body, observations), strict=True))


def shown(body64, pose: np.ndarray, side: str, turn: np.ndarray | None = None) -> np.ndarray:
    """The 21 points (F, 21, 3) of a hand pose (F, 45)."""
    pose = torch.as_tensor(pose)
    turn = torch.as_tensor(np.zeros((len(pose), 3)) if turn is None else turn)
    return hand_points(body64, BodyPose(global_orient=turn, **{f"{side}_hand_pose": pose}), side)


def poses(body64, rest, kind: str) -> dict[str, np.ndarray]:
    bend = {"open": 0.0, "half": (40.0, 50.0, 30.0), "fist": (80.0, 95.0, 65.0)}[kind]
    return {side: np.tile(curled(rest, side, bend, thumb=15.0), (60, 1)) for side in SIDES}


@pytest.mark.parametrize("kind", ["open", "half", "fist"])
@pytest.mark.parametrize("seed", range(3))
def test_poses_come_back(body64, rest, seen, camera, kind, seed):
    true = poses(body64, rest, kind)
    points = {s: shown(body64, true[s], s, random_turns(60, seed)) for s in SIDES}
    found = recovered(body64, seen, told(points, camera.R[0]))
    for side in SIDES:
        again = shown(body64, found[side], side)
        wrist = Rotation.from_rotvec(random_turns(60, seed)).as_matrix()
        gaps = np.linalg.norm(again - again[:, :1] - in_palm(points[side], wrist), axis=-1)
        assert gaps.max() < 0.004
        error = (found[side] - true[side]).reshape(-1, 5, 3, 3)
        assert np.rad2deg(np.abs(error[:, :4]).max()) < 6
        assert np.rad2deg(np.abs(error[:, 4]).max()) < 20


def test_hands_of_any_size_say_the_same(body64, rest, seen, camera):
    true = poses(body64, rest, "half")
    points = {s: shown(body64, true[s], s) for s in SIDES}
    one = recovered(body64, seen, told(points, camera.R[0]))
    two = recovered(body64, seen, told({s: 1.6 * p for s, p in points.items()}, camera.R[0]))
    for side in SIDES:
        np.testing.assert_allclose(one[side], two[side], atol=1e-4)


def test_left_and_right_mirror_each_other(body64, rest, seen, camera, rng):
    """The mirror image of a left hand is a right hand in the mirrored pose."""
    flip = np.array([-1.0, 1.0, 1.0])
    left = shown(
        body64, np.tile(curled(rest, "left", (50.0, 60, 20)), (60, 1)), "left", random_turns(60)
    )
    left += rng.normal(0, 0.004, (1, 21, 3))
    found = recovered(body64, seen, told({"left": left, "right": left * flip}, camera.R[0]))
    # Vectors of rotation mirror with the other signs.
    mirrored = found["right"].reshape(-1, 15, 3) * -flip
    np.testing.assert_allclose(found["left"].reshape(-1, 15, 3), mirrored, atol=0.01)


def depth_below_palm(body64, pose: np.ndarray, side: str) -> np.ndarray:
    """How far the fingertips (F, 4) are below where a flat hand has them, metres."""
    flat = shown(body64, np.zeros((len(pose), 45)), side)[:, TIPS, 1]
    return flat - shown(body64, pose, side)[:, TIPS, 1]


def test_unseen_hands_rest_with_fingers_bent_towards_the_palm(body64, seen):
    found = recovered(body64, seen, None)
    for side in SIDES:
        assert np.ptp(found[side], axis=0).max() == 0
        assert (depth_below_palm(body64, found[side], side) > 0.015).all()
        assert (depth_below_palm(body64, found[side], side) < 0.06).all()
        # Towards the palm, not across it.
        flat = shown(body64, np.zeros((60, 45)), side)[:, TIPS, 2]
        assert np.abs(shown(body64, found[side], side)[:, TIPS, 2] - flat).max() < 0.01


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_sighting_or_two_are_not_believed(body64, rest, seen, camera, count):
    true = poses(body64, rest, "fist")
    known = np.zeros(60, bool)
    known[[10, 50][:count]] = True
    points = {s: shown(body64, true[s], s) for s in SIDES}
    found = recovered(body64, seen, told(points, camera.R[0], known))
    resting = recovered(body64, seen, None)
    for side in SIDES:
        np.testing.assert_array_equal(found[side], resting[side])


def test_a_hand_out_of_sight_relaxes(body64, rest, seen, camera):
    true = poses(body64, rest, "fist")
    known = np.arange(60) < 20
    points = {s: shown(body64, true[s], s) for s in SIDES}
    found = recovered(body64, seen, told(points, camera.R[0], known))
    resting = recovered(body64, seen, None)
    for side in SIDES:
        depth = np.linalg.norm(found[side] - resting[side], axis=-1)
        np.testing.assert_allclose(found[side][:15], found[side][:1].repeat(15, 0), atol=0.02)
        assert (np.diff(depth) < 1e-9).all()
        assert depth[25] > 0.6 * depth[0]
        assert depth[-1] < 0.05 * depth[0]
        assert np.abs(np.diff(found[side], axis=0)).max() < 0.15


def test_a_short_occlusion_is_bridged(body64, rest, seen, camera):
    true = poses(body64, rest, "fist")
    known = np.ones(60, bool)
    known[30:33] = False
    points = {s: shown(body64, true[s], s) for s in SIDES}
    found = recovered(body64, seen, told(points, camera.R[0], known))
    for side in SIDES:
        assert np.abs(found[side][31] - found[side][10]).max() < 0.1


def test_three_scattered_sightings_leave_no_gaps(body64, rest, seen, camera):
    known = np.zeros(60, bool)
    known[[0, 29, 59]] = True
    points = {s: shown(body64, poses(body64, rest, "half")[s], s) for s in SIDES}
    found = recovered(body64, seen, told(points, camera.R[0], known))
    for side in SIDES:
        assert np.isfinite(found[side]).all()


def test_one_hand_does_not_depend_on_the_other(body64, rest, seen, camera):
    points = {s: shown(body64, poses(body64, rest, "fist")[s], s) for s in SIDES}
    both = told(points, camera.R[0])
    nothing = Keypoints3D(np.full_like(both.left.xyz, np.nan), "hand21", "synthetic")
    alone = recovered(body64, seen, dataclasses.replace(both, left=nothing))
    np.testing.assert_array_equal(alone["right"], recovered(body64, seen, both)["right"])
    np.testing.assert_array_equal(alone["left"], recovered(body64, seen, None)["left"])


@pytest.mark.parametrize("bend", [(0.0, -70.0, -70.0), (-80.0, 0.0, 0.0), (0.0, 160.0, 0.0)])
def test_fingers_bend_no_further_than_fingers_do(body64, rest, seen, camera, bend):
    true = {s: np.tile(curled(rest, s, bend), (60, 1)) for s in SIDES}
    points = {s: shown(body64, true[s], s) for s in SIDES}
    found = recovered(body64, seen, told(points, camera.R[0]))
    for side in SIDES:
        hinge = curled(rest, side, np.rad2deg(1.0)).reshape(5, 3, 3)[:4]
        angles = np.rad2deg((found[side].reshape(-1, 5, 3, 3)[:, :4] * hinge).sum(-1))
        assert (angles[..., 0] > -35).all()
        assert (angles[..., 1:] > -15).all()
        assert (angles < 120).all()


def test_noise_is_smoothed_and_a_glitch_is_dropped(body64, rest, seen, camera, rng):
    true = poses(body64, rest, "half")
    points = {s: shown(body64, true[s], s) + rng.normal(0, 0.003, (60, 21, 3)) for s in SIDES}
    for side in SIDES:
        points[side][30] = points[side][30, ::-1]
    found = recovered(body64, seen, told(points, camera.R[0]))
    for side in SIDES:
        assert np.rad2deg(np.abs(found[side] - true[side])[:, :36].mean()) < 6
        assert np.rad2deg(np.abs(np.diff(found[side], axis=0)).max()) < 18


@pytest.mark.parametrize("kind", ["a point", "a line"])
def test_hands_that_are_no_hands_give_numbers(body64, seen, kind):
    points = np.zeros((60, 21, 3), np.float32)
    if kind == "a line":
        points[:, :, 0] = np.linspace(0, 0.2, 21)
    strange = Keypoints3D(points, "hand21", "synthetic")
    found = recovered(body64, seen, Hands3D(strange, strange))
    assert all(np.isfinite(pose).all() for pose in found.values())


def test_through_the_whole_fit(body, body64, rest, camera):
    """A fist on the left, an open hand on the right, of somebody who stands before a camera."""
    bend = {"left": (80.0, 95.0, 65.0), "right": 0.0}
    hands = {s: np.tile(curled(rest, s, bend[s]), (45, 1)) for s in SIDES}
    actor = act(
        body64,
        standing(45),
        np.array([0, 0, 4.0]),
        upright(30),
        hands=(hands["left"], hands["right"]),
    )
    person = see(actor, camera)
    points = {s: hand_points(body64, actor.pose, s) for s in SIDES}
    person = dataclasses.replace(person, hands3d=told(points, camera.R[0]))
    take = fit(take_of([person], camera, FPS), body, FitConfig())
    motion = take.people["person-1"].body
    assert mpjpe(take, actor, camera, root_free=True) < 40
    assert np.rad2deg(np.abs(motion.left_hand_pose - hands["left"])[:, :36].max()) < 6
    assert np.rad2deg(np.abs(motion.right_hand_pose - hands["right"])[:, :36].max()) < 6
