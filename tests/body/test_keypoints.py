"""Sets of keypoints on the body: where they lie, and how they move with it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mocap.body import (
    ALIASES,
    KEYPOINT_SETS,
    BodyPose,
    keypoint_regressor,
    keypoint_set,
    load_body,
    regress,
    surface_regressor,
)
from mocap.body.loading import OPEN_BODY
from mocap.errors import BodyError
from mocap.skeletons import BODY_25, COCO_17, H36M_17, PANOPTIC_19, SMPL_24, SMPLX_55

EVERY = pytest.mark.parametrize("name", KEYPOINT_SETS)


def at_rest(body, name: str) -> dict[str, np.ndarray]:
    points = regress(body, BodyPose(), name)[0].double().numpy()
    return dict(zip(keypoint_set(name).names, points, strict=True))


def mirrored(pose: BodyPose) -> BodyPose:
    """The pose of the mirror image, across the plane x = 0."""
    flip = torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)
    across = [SMPLX_55.mirror[i] - 1 for i in range(1, 22)]
    limbs = pose.body_pose.unflatten(1, (21, 3))[:, across] * flip
    hands = [
        (hand.unflatten(1, (15, 3)) * flip).flatten(1)
        for hand in (pose.right_hand_pose, pose.left_hand_pose)
    ]
    return BodyPose(
        betas=pose.betas, global_orient=pose.global_orient * flip, body_pose=limbs.flatten(1),
        left_hand_pose=hands[0], right_hand_pose=hands[1], transl=pose.transl * -flip,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plain_body(tmp_path_factory):
    """A body as licensed files are: no landmarks of its own, hips near the midline."""
    with np.load(OPEN_BODY) as archive:
        content = {k: archive[k] for k in archive.files if not k.startswith(("land", "keyp"))}
    path = tmp_path_factory.mktemp("plain") / "plain.npz"
    np.savez(path, **content)
    found = load_body(path)
    joints = found.joint_template.clone()
    for name in ("left_hip", "right_hip"):
        joints[SMPLX_55.index(name), 0] *= 0.7
    return replace(found, joint_template=joints)


@EVERY
def test_weights_sum_to_one(body, name):
    regressor = keypoint_regressor(body, name)
    assert regressor.weights.shape == (len(regressor.skeleton), 55 + len(body.landmark_names))
    assert np.abs(regressor.weights.sum(1) - 1).max() < 1e-12


@EVERY
def test_the_mirror_image_has_mirrored_keypoints(body64, random_pose, name):
    pose = random_pose(4, expression=None, jaw_pose=None, leye_pose=None, reye_pose=None)
    found = regress(body64, pose, name)
    other = regress(body64, mirrored(pose), name)[:, list(keypoint_set(name).mirror)]
    other[..., 0] *= -1
    # The body itself is as symmetric as float16 directions are.
    assert (found - other).norm(dim=-1).max() < 1e-3


@EVERY
def test_keypoints_turn_and_travel_with_the_body(body64, random_pose, name):
    pose = random_pose(3)
    still = replace(pose, global_orient=None, transl=None)
    found = regress(body64, pose, name)
    turn = body64.forward(pose).rotations[:, 0]
    pelvis = body64.rest_joints(pose.betas, pose.expression)[:, :1]
    turned = (turn[:, None] @ (regress(body64, still, name) - pelvis)[..., None])[..., 0]
    assert torch.allclose(found, turned + pelvis + pose.transl[:, None], atol=1e-9)


@EVERY
def test_a_larger_body_has_larger_distances(body64, name):
    points = regress(body64, BodyPose(), name)
    marks = replace(body64.landmarks, offsets=2 * body64.landmarks.offsets)
    twice = replace(
        body64,
        template=2 * body64.template,
        joint_template=2 * body64.joint_template,
        landmarks=marks,
    )
    assert torch.allclose(regress(twice, BodyPose(), name), 2 * points, atol=1e-12)


def test_what_the_fit_and_the_refiner_know_by_these_names_is_the_same(body64, random_pose):
    pose = random_pose(5)
    posed = body64.forward(pose, return_landmarks=True)
    wanted = body64.named_points(posed, COCO_17.names)
    assert torch.allclose(regress(body64, pose, "coco17"), wanted, atol=1e-12)
    assert torch.allclose(regress(body64, pose, "smplx55"), posed.joints, atol=1e-12)
    joints = regress(body64, pose, "smpl24")[:, :22]
    assert torch.allclose(joints, posed.joints[:, :22], atol=1e-12)


def test_means_are_those_the_detectors_are_trained_on(body64, random_pose):
    pose = random_pose(3)
    coco = regress(body64, pose, "coco17")
    shoulders, hips = (
        coco[:, COCO_17.indices(f"left_{part}", f"right_{part}")].mean(1)
        for part in ("shoulder", "hip")
    )
    panoptic, openpose = (regress(body64, pose, name) for name in ("coco19", "openpose25"))
    for points, skeleton, middle in (
        (panoptic, PANOPTIC_19, "body_center"),
        (openpose, BODY_25, "mid_hip"),
    ):
        assert torch.allclose(points[:, skeleton.index("neck")], shoulders, atol=1e-12)
        assert torch.allclose(points[:, skeleton.index(middle)], hips, atol=1e-12)
        shared = [name for name in skeleton.names if name in COCO_17.names]
        assert len(shared) == 17
        same = coco[:, COCO_17.indices(*shared)]
        assert torch.allclose(points[:, skeleton.indices(*shared)], same, atol=1e-12)


def test_sets_differ_where_their_definitions_do(body):
    coco, h36m, smpl = (at_rest(body, name) for name in ("coco17", "h36m17", "smpl24"))
    hip = coco["left_hip"] - smpl["left_hip"]
    # Higher and further to the front than the joint.
    np.testing.assert_allclose(hip, [0.0, 0.009, 0.017], atol=1e-3)
    assert 0.025 < coco["left_ankle"][1] - smpl["left_ankle"][1] < 0.035
    assert 0.03 < h36m["left_hip"][0] - smpl["left_hip"][0] < 0.045
    assert np.allclose(h36m["pelvis"], (h36m["left_hip"] + h36m["right_hip"]) / 2)
    # SMPL's pelvis is where the spine begins, Human3.6M's between the hips.
    assert 0.06 < smpl["pelvis"][1] - h36m["pelvis"][1] < 0.1
    hand, knuckle = smpl["left_hand"], at_rest(body, "smplx55")["left_middle1"]
    assert smpl["left_wrist"][0] + 0.07 < hand[0] < knuckle[0]


def test_human36m_bones_have_that_skeletons_ratios(body):
    points = at_rest(body, "h36m17")

    def bone(name: str) -> float:
        parent = H36M_17.names[H36M_17.parents[H36M_17.index(name)]]
        return float(np.linalg.norm(points[name] - points[parent]))

    published = {
        "left_hip": 132.95,
        "left_knee": 442.89,
        "left_ankle": 454.21,
        "spine": 233.38,
        "thorax": 257.08,
        "neck_nose": 121.13,
        "head_center": 115.00,
        "left_elbow": 278.88,
        "left_wrist": 251.73,
    }
    ratios = np.array([length / bone(name) for name, length in published.items()]) / 1e3
    # One person's bones against the mean body's, which is shorter.
    assert np.all(np.abs(ratios / np.median(ratios) - 1) < 0.06)
    assert 1.0 < np.median(ratios) < 1.12


def test_feet_of_openpose(body):
    points = at_rest(body, "body25")
    assert points["left_big_toe"][0] < points["left_small_toe"][0]
    assert points["left_heel"][2] < points["left_ankle"][2] < points["left_small_toe"][2]
    floor = float(body.template[:, 1].min())
    assert all(points[f"left_{part}"][1] < floor + 0.04 for part in ("heel", "big_toe"))


@pytest.mark.parametrize("name", [n for n in KEYPOINT_SETS if n != "mediapipe33"])
def test_a_file_without_landmarks_has_every_set(plain_body, name):
    points = at_rest(plain_body, name)
    assert np.isfinite(list(points.values())).all()


def test_hips_of_a_file_without_landmarks_are_as_far_apart_as_peoples(body, plain_body):
    own, wide = (at_rest(body, name) for name in ("coco17", "h36m17"))
    coco, h36m = (at_rest(plain_body, name) for name in ("coco17", "h36m17"))
    assert coco["left_hip"][0] == pytest.approx(own["left_hip"][0], abs=0.003)
    assert coco["left_hip"][0] == pytest.approx(-coco["right_hip"][0], abs=1e-6)
    assert h36m["left_hip"][0] == pytest.approx(wide["left_hip"][0], abs=0.003)
    assert at_rest(plain_body, "smpl24")["left_hip"][0] == pytest.approx(0.7 * 0.0865, abs=0.002)


def test_points_that_a_body_lacks_are_named(plain_body):
    with pytest.raises(BodyError, match=r"plain\.npz: has no point left_eye_inner"):
        keypoint_regressor(plain_body, "mediapipe33")


def test_names_of_sets():
    assert {old: keypoint_set(old).name for old in ALIASES} == ALIASES
    assert keypoint_set("smpl24") is SMPL_24
    for unknown in ("coco", "hand21"):
        with pytest.raises(BodyError, match=r"there are coco17, .*openpose25"):
            keypoint_set(unknown)


def test_motion_of_another_body_is_refused(body):
    motion = SimpleNamespace(body_pose=np.zeros((2, 63)), model_sha256="0" * 64)
    with pytest.raises(BodyError, match="another body"):
        regress(body, motion, "coco17")
    motion.model_sha256 = body.sha256
    assert regress(body, motion, "coco17").shape == (2, 17, 3)


def test_gradients_reach_pose_and_shape(body64):
    betas = torch.zeros(32, dtype=torch.float64, requires_grad=True)
    angles = torch.zeros(1, 63, dtype=torch.float64, requires_grad=True)
    regress(body64, BodyPose(betas=betas, body_pose=angles), "h36m17").square().sum().backward()
    assert betas.grad.abs().max() > 0
    assert angles.grad.abs().max() > 0


@pytest.mark.parametrize(("name", "mean", "worst"), [("body25", 4, 10), ("h36m17", 6, 14)])
def test_keypoints_of_a_surface_alone(body, random_pose, name, mean, worst):
    matrix = surface_regressor(body, name)
    assert np.abs(matrix.sum(1) - 1).max() < 1e-9
    assert np.count_nonzero(matrix, axis=1).min() > 0
    assert np.count_nonzero(matrix, axis=1).max() < 120
    pose = random_pose(20, seed=5, spread=0.35, betas=None)
    with torch.no_grad():
        posed = body.forward(pose, return_vertices=True, return_landmarks=True)
    wanted = keypoint_regressor(body, name)(posed).double().numpy()
    gaps = 1e3 * np.linalg.norm(matrix @ posed.vertices.double().numpy() - wanted, axis=-1)
    assert gaps.mean() < mean
    assert gaps.mean(0).max() < worst
    mirror = list(keypoint_set(name).mirror)
    template = body.template.double().numpy()
    across = (matrix @ template)[mirror] * [-1, 1, 1]
    assert np.abs(matrix @ template - across).max() < 1e-6


def test_a_file_without_landmarks_has_rows_over_vertices(plain_body):
    matrix = surface_regressor(plain_body, "smpl24")
    found = matrix @ plain_body.template.double().numpy()
    wanted = regress(plain_body, BodyPose(), "smpl24")[0].double().numpy()
    assert np.linalg.norm(found - wanted, axis=-1).max() < 0.012


def test_landmarks_on_the_skin_are_exact_in_a_surface(body):
    matrix = surface_regressor(body, "body25")
    found = matrix @ body.template.double().numpy()
    wanted = regress(body, BodyPose(), "body25")[0].double().numpy()
    skin = BODY_25.indices("nose", "left_eye", "right_ear", "left_heel", "right_small_toe")
    assert np.abs(found - wanted)[skin].max() < 1e-6
