"""What keypoints say once they are turned, weighted and chosen."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.fitting.initialise import _laid_over, initial_pose
from mocap.fitting.kinematics import pose_rig
from mocap.fitting.observations import observe
from mocap.geometry import Camera
from mocap.skeletons import COCO_17, MEDIAPIPE_33, point_map
from mocap.take import Keypoints2D, Keypoints3D, Refined3D

from .problems import TILTED, observed, true_pose
from .synthetic import act, coordinates, in_camera_axes, see, upright

FPS = 30.0


@pytest.fixture(scope="module")
def actor(body64):
    return act(body64, coordinates(20, FPS, reach=0.4), np.array([1.5, 0.5, 4.0]), upright(50))


@pytest.mark.parametrize("camera", [Camera.assumed(1280, 720), TILTED], ids=["level", "tilted"])
def test_points_are_turned_with_the_ray_into_the_cameras_axes(rig, actor, camera):
    """Far from the middle of the picture the detector's axes are not the camera's."""
    seen = observed(rig, actor, camera, FPS)
    truth = in_camera_axes(actor.points, camera, np.arange(20))
    hips = truth[:, MEDIAPIPE_33.indices("left_hip", "right_hip")].mean(1)
    np.testing.assert_allclose(seen.metric, (truth - hips[:, None])[:, rig.keypoints], atol=2e-3)
    rays = hips / np.linalg.norm(hips, axis=-1, keepdims=True)
    np.testing.assert_allclose(seen.rays, rays, atol=1e-3)
    assert (np.abs(rays[:, :2]).max(1) > 0.2).all()


def test_size_is_the_persons_in_the_picture(rig, actor, camera):
    seen = observed(rig, actor, camera, FPS)
    pixels = camera.project(actor.points, np.arange(20))
    assert seen.size == pytest.approx(np.median(np.ptp(pixels, axis=1).max(-1)), rel=1e-4)


def test_missing_and_doubtful_points_weigh_nothing(rig, actor, camera):
    person = see(actor, camera)
    image, space = person.keypoints2d, person.keypoints3d
    confidence, xy, xyz = image.confidence.copy(), image.xy.copy(), space.xyz.copy()
    left, right, nose, ear = MEDIAPIPE_33.indices("left_knee", "right_knee", "nose", "left_ear")
    xy[3, left], xyz[4, right], confidence[5, nose], confidence[6, ear] = (
        np.nan,
        np.nan,
        0.05,
        np.nan,
    )
    person = dataclasses.replace(
        person,
        keypoints2d=Keypoints2D(xy, confidence, "mediapipe33", "synthetic"),
        keypoints3d=Keypoints3D(xyz, "mediapipe33", "synthetic"),
    )
    seen = observe(person, rig, *camera.at(person.frames), FPS)
    nothing = {(3, "left_knee"), (4, "right_knee"), (5, "nose"), (6, "left_ear")}
    assert {
        (f, MEDIAPIPE_33.names[rig.keypoints[p]]) for f, p in np.argwhere(seen.weight == 0)
    } == nothing
    assert np.isfinite(seen.pixels).all()
    assert np.isfinite(seen.metric).all()


def test_frames_of_three_points_count_as_unseen(rig, actor, camera):
    person = see(actor, camera)
    confidence = person.keypoints2d.confidence.copy()
    confidence[7] = 0.0
    confidence[7, MEDIAPIPE_33.indices("left_hip", "right_hip", "nose")] = 1.0
    image = dataclasses.replace(person.keypoints2d, confidence=confidence)
    person = dataclasses.replace(person, keypoints2d=image)
    seen = observe(person, rig, *camera.at(person.frames), FPS)
    assert np.flatnonzero(~seen.seen).tolist() == [7]


@pytest.mark.parametrize("gone", [slice(0, 5), slice(8, 12), slice(15, 20)])
def test_rays_of_unseen_frames_are_those_of_a_neighbour(rig, actor, camera, gone):
    observed_frames = np.ones(20, bool)
    observed_frames[gone] = False
    person = see(actor, camera, observed=observed_frames)
    seen = observe(person, rig, *camera.at(person.frames), FPS)
    whole = observed(rig, actor, camera, FPS)
    nearest = max(gone.start - 1, 0) or gone.stop
    np.testing.assert_allclose(
        seen.rays[gone], np.repeat(whole.rays[nearest][None], gone.stop - gone.start, 0), atol=1e-6
    )


def test_without_hips_the_ray_goes_through_the_person(body64, rig, camera):
    away = act(
        body64, coordinates(20, FPS, reach=0.2), np.array([-2.0, 0.5, 4.0]), upright(0),
        hidden=("left_hip", "right_hip"),
    )  # fmt: skip
    seen = observed(rig, away, camera, FPS)
    whole = observed(rig, dataclasses.replace(away, hidden=()), camera, FPS)
    assert np.rad2deg(np.arccos(np.sum(seen.rays * whole.rays, -1))).max() < 10


def test_other_detectors_skeletons_are_understood_by_name(rig, actor, camera):
    person = see(actor, camera)
    to_coco = point_map(MEDIAPIPE_33, COCO_17)
    coco = dataclasses.replace(
        person,
        keypoints2d=Keypoints2D(
            to_coco(person.keypoints2d.xy), np.full((20, 17), 0.8), "coco17", "other"
        ),
        keypoints3d=Keypoints3D(to_coco(person.keypoints3d.xyz), "coco17", "other"),
    )
    seen = observe(coco, rig, *camera.at(person.frames), FPS)
    whole = observe(person, rig, *camera.at(person.frames), FPS)
    known = np.isin([MEDIAPIPE_33.names[k] for k in rig.keypoints], COCO_17.names)
    np.testing.assert_allclose(seen.weight, np.tile(0.8 * known, (20, 1)))
    np.testing.assert_allclose(seen.pixels[:, known], whole.pixels[:, known], atol=1e-3)


@pytest.mark.parametrize("azimuth", range(0, 360, 60))
@pytest.mark.parametrize("camera", [Camera.assumed(1280, 720), TILTED], ids=["level", "tilted"])
def test_the_first_guess_is_near(body64, rig, azimuth, camera):
    actor = act(body64, coordinates(30, FPS), np.array([0.4, 0.1, 4.0]), upright(azimuth))
    pose = initial_pose(rig, np.zeros(10), observed(rig, actor, camera, FPS))
    found = pose_rig(rig, np.zeros(10), pose).joints
    gaps = np.linalg.norm(found - actor.joints[:, :22], axis=-1)
    assert gaps.mean() < 0.06
    turn = pose.root @ np.swapaxes(true_pose(actor).root, 1, 2)
    assert np.rad2deg(np.arccos((np.trace(turn, axis1=1, axis2=2) - 1) / 2)).max() < 25


def test_the_first_guess_bridges_gaps(body64, rig, camera):
    actor = act(body64, coordinates(30, FPS), np.array([0.4, 0.1, 4.0]), upright(20))
    visible = np.ones(30, bool)
    visible[[0, 1, 10, 11, 12, 29]] = False
    person = see(actor, camera, observed=visible)
    seen = observe(person, rig, *camera.at(person.frames), FPS)
    pose = initial_pose(rig, np.zeros(10), seen)
    np.testing.assert_array_equal(pose.coordinates[0], pose.coordinates[2])
    np.testing.assert_array_equal(pose.root[29], pose.root[28])
    third = pose.transl[9] + (pose.transl[13] - pose.transl[9]) / 4
    np.testing.assert_allclose(pose.transl[10], third, atol=1e-9)
    for root in pose.root:
        np.testing.assert_allclose(root @ root.T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("flat", [False, True])
def test_points_are_laid_over_others_without_turning_them_inside_out(rng, flat):
    points = rng.normal(size=(5, 3)) * ([1, 1, 0] if flat else [1, 1, 1])
    turns, shifts = Rotation.random(30, rng=rng).as_matrix(), rng.normal(size=(30, 3))
    onto = np.einsum("fij,pj->fpi", turns, points) + shifts[:, None]
    turn, shift = _laid_over(points, onto + rng.normal(0, 1e-6, onto.shape))
    np.testing.assert_allclose(turn, turns, atol=1e-4)
    np.testing.assert_allclose(shift, shifts, atol=1e-4)
    # Their mirror image they can only come near to; with a rotation even then.
    assert np.linalg.det(_laid_over(points, onto * [1, 1, -1])[0]) == pytest.approx(np.ones(30))


def test_nothing_seen_is_refused(rig, actor, camera):
    seen = observed(rig, actor, camera, FPS)
    with pytest.raises(ValueError, match="no frame"):
        initial_pose(rig, np.zeros(10), dataclasses.replace(seen, weight=0 * seen.weight))


def test_refined_points_go_before_the_detectors_and_say_how_sure_they_are(rig, actor, camera):
    person = see(actor, camera)
    raw = person.keypoints3d.xyz
    to_coco = point_map(MEDIAPIPE_33, COCO_17)
    shift = np.zeros((17, 3), np.float32)
    wrist, ankle, knee = COCO_17.indices("left_wrist", "left_ankle", "right_knee")
    shift[wrist], shift[ankle] = [0.0, 0.0, 0.2], [0.1, 0.0, 0.0]
    sigma = np.full((20, 17), 0.08, np.float32)
    sigma[:, knee] = 0.16
    xyz = (to_coco(raw) + shift).astype(np.float32)
    xyz[4] = np.nan
    sigma[4] = np.nan
    nowhere = np.zeros(20, np.float32)
    refined = Refined3D(xyz, sigma, nowhere, nowhere, np.zeros((20, 3)), "coco17", "test")
    at = camera.at(person.frames)
    seen = observe(dataclasses.replace(person, refined3d=refined), rig, *at, FPS)
    plain = observe(person, rig, *at, FPS)
    moved = np.linalg.norm(seen.metric - plain.metric, axis=-1)
    for name, distance in (
        ("left_wrist", 0.2),
        ("left_ankle", 0.1),
        # What is not refined goes with what is: toes with their ankle.
        ("left_foot_index", 0.1),
        ("left_heel", 0.1),
        ("right_foot_index", 0.0),
        ("left_elbow", 0.0),
    ):
        own = np.delete(moved[:, rig.point(name)], 4)
        np.testing.assert_allclose(own, distance, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(moved[4], 0.0, atol=1e-6)
    np.testing.assert_allclose(np.delete(seen.doubt[:, rig.point("right_knee")], 4), 2.0, rtol=1e-5)
    np.testing.assert_allclose(seen.doubt[:, rig.point("left_knee")], 1.0, rtol=1e-5)
    np.testing.assert_array_equal(plain.doubt, 1.0)
    assert np.isfinite(seen.doubt).all()
