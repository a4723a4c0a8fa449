"""Posing the body: against the reference implementation, against itself, and at its edges."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mocap.body import BodyPose, load_body
from mocap.body.kinematics import rotation_matrices
from mocap.body.loading import OPEN_BODY
from mocap.errors import BodyError
from mocap.skeletons import SMPLX_55

ANGLES = arrays(np.float64, (55, 3), elements=st.floats(-2.0, 2.0, width=32))


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    smplx = pytest.importorskip("smplx")
    path = tmp_path_factory.mktemp("oracle") / "smplx_open.npz"
    shutil.copy(OPEN_BODY, path)
    return smplx.SMPLX(
        str(path), ext="npz", flat_hand_mean=True, use_pca=False, num_betas=32,
        num_expression_coeffs=51, batch_size=1, use_face_contour=False,
    )  # fmt: skip


def as_float32(pose: BodyPose) -> dict[str, torch.Tensor]:
    return {name: value.float() for name, value in vars(pose).items() if value is not None}


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_smplx(body, oracle, random_pose, seed):
    pose = random_pose(5, seed, spread=0.5)
    with torch.no_grad():
        wanted = oracle(**as_float32(pose), return_verts=True)
        found = body.forward(pose, return_vertices=True)
    assert (found.joints - wanted.joints[:, :55]).abs().max() < 1e-5
    assert (found.vertices - wanted.vertices).abs().max() < 1e-5


def test_agrees_with_smplx_for_a_file_of_another_body(oracle, body, random_pose, tmp_path):
    # Dense pose directions and no landmark names: what a licensed file looks like.
    with np.load(OPEN_BODY) as archive:
        content = {
            k: archive[k] for k in archive.files if not k.startswith(("landmark", "keypoint"))
        }
    generator = np.random.default_rng(0)
    content["posedirs"] = generator.normal(0, 1e-3, content["posedirs"].shape).astype(np.float32)
    content.pop("license")
    path = tmp_path / "smplx_dense.npz"
    np.savez(path, **content)
    smplx = pytest.importorskip("smplx")
    dense = smplx.SMPLX(
        str(path), ext="npz", flat_hand_mean=True, use_pca=False, num_betas=32,
        num_expression_coeffs=51, batch_size=1,
    )  # fmt: skip
    other, pose = load_body(path), random_pose(2)
    with torch.no_grad():
        wanted = dense(**as_float32(pose))
        found = other.forward(pose, return_vertices=True, return_landmarks=True)
    assert (found.vertices - wanted.vertices).abs().max() < 1e-5
    assert other.name == "smplx_dense"
    place = other.landmark_names.index
    assert torch.equal(found.landmarks[:, place("nose")], found.vertices[:, 9120])
    knuckle = SMPLX_55.index("right_pinky1")
    assert torch.equal(found.landmarks[:, place("right_pinky")], found.joints[:, knuckle])
    assert "left_heel_sole" not in other.landmark_names


def test_joints_only_equals_the_full_path(body, random_pose):
    pose = random_pose(7)
    full = body.forward(pose, return_vertices=True, return_landmarks=True, chunk=3)
    assert torch.equal(body.forward(pose).joints, full.joints)
    marks = body.landmarks
    shares = torch.from_numpy(marks.weights).float()[..., None]
    skin = marks.joints < 0
    wanted = (full.vertices[:, marks.vertices] * shares).sum(2)
    assert (full.landmarks - wanted)[:, skin].abs().max() < 1e-6
    unchunked = body.forward(pose, return_vertices=True)
    assert (full.vertices - unchunked.vertices).abs().max() < 1e-6


def test_keypoints_lie_where_a_detector_sees_joints(body64, random_pose):
    pose = random_pose(5)
    posed = body64.forward(pose, return_landmarks=True)

    def gap(joint: str, landmark: str) -> torch.Tensor:
        place = posed.joints[:, SMPLX_55.index(joint)]
        return posed.landmarks[:, body64.landmark_names.index(landmark)] - place

    knee, ankle = (posed.joints[:, SMPLX_55.index(f"left_{name}")] for name in ("knee", "ankle"))
    up = gap("left_ankle", "left_ankle")
    along = (up * (knee - ankle)).sum(-1) / (knee - ankle).norm(dim=-1)
    # On the shank, whatever the ankle does.
    assert torch.allclose(along, up.norm(dim=-1), atol=1e-3)
    assert 0.025 < along.mean() < 0.035
    hips = [gap(f"{side}_hip", f"{side}_hip") for side in ("left", "right")]
    turned = posed.rotations[:, 0] @ torch.tensor([0.0, 0.009, 0.017], dtype=torch.float64)
    assert torch.allclose(hips[0], turned, atol=1e-6)
    assert torch.allclose(hips[1], turned, atol=1e-6)
    for name in ("shoulder", "elbow", "wrist"):
        left, right = (gap(f"{side}_{name}", f"{side}_{name}").norm() for side in ("left", "right"))
        assert torch.allclose(left, right)


def test_regressor_finds_the_joints_on_the_shaped_surface(body64, random_pose):
    pose = random_pose(3)
    with np.load(OPEN_BODY) as archive:
        regressor = torch.from_numpy(archive["J_regressor"].astype(np.float64))
    surface = body64.rest_vertices(pose.betas, pose.expression)
    found = torch.einsum("jv,nva->nja", regressor, surface)
    assert (found - body64.rest_joints(pose.betas, pose.expression)).abs().max() < 1e-6


@settings(max_examples=20, deadline=None)
@given(angles=ANGLES)
def test_bones_keep_their_length_and_rotations_compose(body64, angles):
    a = torch.from_numpy(angles)
    flat = a.flatten()[None]
    pose = BodyPose(
        global_orient=flat[:, :3], body_pose=flat[:, 3:66], jaw_pose=flat[:, 66:69],
        leye_pose=flat[:, 69:72], reye_pose=flat[:, 72:75],
        left_hand_pose=flat[:, 75:120], right_hand_pose=flat[:, 120:],
    )  # fmt: skip
    posed, rest = body64.forward(pose), body64.rest_joints()[0]
    up, local = list(SMPLX_55.parents[1:]), rotation_matrices(a)
    lengths = (rest[1:] - rest[up]).norm(dim=-1)
    assert torch.allclose((posed.joints[0, 1:] - posed.joints[0, up]).norm(dim=-1), lengths)
    turned = posed.rotations[0]
    assert torch.allclose(turned[1:], turned[up] @ local[1:])
    assert torch.allclose(turned.det(), turned.new_ones(55))


@settings(max_examples=10, deadline=None)
@given(turn=arrays(np.float64, 3, elements=st.floats(-3, 3, width=32)), seed=st.integers(0, 99))
def test_the_root_turns_the_body_about_the_pelvis(body64, turn, seed):
    generator = np.random.default_rng(seed)
    body_pose = torch.from_numpy(generator.normal(0, 0.4, (1, 63)))
    root = torch.from_numpy(turn)[None]
    still = body64.forward(BodyPose(body_pose=body_pose), return_landmarks=True)
    turned = body64.forward(
        BodyPose(body_pose=body_pose, global_orient=root), return_landmarks=True
    )
    pelvis = still.joints[:, :1]
    wanted = (still.landmarks - pelvis) @ rotation_matrices(root)[0].T + pelvis
    assert torch.allclose(turned.landmarks, wanted, atol=1e-9)


def test_gradients_match_finite_differences(body64, random_pose):
    pose = random_pose(1, seed=3)
    weights = torch.from_numpy(
        np.random.default_rng(1).normal(size=(len(body64.landmark_names), 3))
    )

    def loss(p: BodyPose) -> torch.Tensor:
        posed = body64.forward(p, return_landmarks=True)
        return (posed.landmarks * weights).sum() + (posed.joints**2).sum()

    for name in ("betas", "expression", "global_orient", "body_pose", "right_hand_pose", "transl"):
        value = getattr(pose, name).clone().requires_grad_()
        loss(replace(pose, **{name: value})).backward()
        step = torch.zeros_like(value)
        step[0, 1] = 1e-6
        with torch.no_grad():
            up, down = (loss(replace(pose, **{name: value + s * step})) for s in (1, -1))
        assert torch.isclose(value.grad[0, 1], (up - down) / 2e-6, rtol=1e-5, atol=1e-6), name


def test_gradients_are_finite_in_the_rest_pose(body):
    pose = torch.zeros(2, 63, requires_grad=True)
    posed = body.forward(BodyPose(body_pose=pose), return_vertices=True)
    (posed.joints.square().sum() + posed.vertices.square().mean()).backward()
    assert torch.isfinite(pose.grad).all()
    assert pose.grad.abs().max() > 0


def test_reads_a_takes_fields(body, random_pose):
    pose = random_pose(4, expression=None)
    motion = SimpleNamespace(
        **{k: v.numpy() for k, v in vars(pose).items() if v is not None and "eye" not in k}
    )
    wanted = body.forward(replace(pose, leye_pose=None, reye_pose=None))
    assert torch.equal(body.forward(motion).joints, wanted.joints)


def test_one_shape_serves_all_frames(body, random_pose):
    pose = random_pose(3)
    betas = pose.betas[0, :10]
    alone = body.forward(replace(pose, betas=betas, expression=None), return_vertices=True)
    padded = torch.zeros(3, 32, dtype=torch.float64)
    padded[:, :10] = betas
    full = body.forward(replace(pose, betas=padded, expression=None), return_vertices=True)
    assert (alone.vertices - full.vertices).abs().max() < 1e-6


def test_missing_fields_are_zero_and_no_frames_are_no_bodies(body):
    rest = body.forward(BodyPose())
    assert torch.allclose(rest.joints, body.rest_joints())
    none = body.forward(
        BodyPose(body_pose=torch.zeros(0, 63)), return_vertices=True, return_landmarks=True
    )
    assert none.joints.shape == (0, 55, 3)
    assert none.vertices.shape == (0, body.num_vertices, 3)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"body_pose": torch.zeros(4, 69)},
            r"body_pose has shape \(4, 69\), wanted \(frames, 63\)",
        ),
        ({"betas": torch.zeros(33)}, "betas has 33 components, this body has 32"),
        ({"body_pose": torch.zeros(4, 63), "transl": torch.zeros(3, 3)}, "3 frames"),
    ],
)
def test_wrong_fields_are_named(body, fields, text):
    with pytest.raises(BodyError, match=text):
        body.forward(BodyPose(**fields))


def test_stature(body):
    assert 1.6 < float(body.height()) < 1.8
    sizes = body.height(torch.arange(-2.0, 2.5)[:, None] * torch.eye(32)[0])
    assert (sizes.diff() > 0.05).all()


@settings(max_examples=15, deadline=None)
@given(metres=st.floats(1.4, 2.1))
def test_betas_for_a_stature(body, metres):
    betas = body.betas_for_height(metres)
    assert abs(float(body.height(betas)) - metres) < 1e-3
    assert betas.abs().max() < 4


def test_an_impossible_stature_is_refused(body):
    with pytest.raises(BodyError, match=r"1\.2 to 2\.4"):
        body.betas_for_height(17.5)


def test_attachments_are_the_landmarks_of_the_rest_pose(body64, random_pose):
    betas = random_pose(1, seed=5).betas
    carried = body64.landmark_attachments()
    assert carried.names == body64.landmark_names
    posed = body64.forward(BodyPose(betas=betas), return_landmarks=True)
    offsets = torch.from_numpy(carried.offsets(betas[0].numpy()))
    placed = posed.joints[0, carried.joints] + offsets
    assert (placed - posed.landmarks[0]).abs().max() < 1e-7


def test_attachments_follow_the_surface_when_the_body_moves(body64, random_pose):
    pose = random_pose(20, seed=2, spread=0.3, betas=None, expression=None)
    carried = body64.landmark_attachments()
    posed = body64.forward(pose, return_landmarks=True)
    turned = posed.rotations[:, carried.joints] @ torch.from_numpy(carried.template)[..., None]
    error = (posed.joints[:, carried.joints] + turned[..., 0] - posed.landmarks).norm(dim=-1)
    assert error.mean() < 0.003
    assert error.max() < 0.02
